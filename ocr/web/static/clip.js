// A clip on the screen: the moving picture with the lines that are seen just now, a bar for each event on a time line,
// and the events as a list.

import { words } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const KINDS = { comment: "kind_comment", enter: "kind_enter", gift: "kind_gift" };

const at = (id) => document.getElementById(id);
const film = at("film"), video = at("video"), boxes = at("boxes"), tracks = at("tracks"), now = at("now"), list = at("events");

let clip = null;

/** Wire the events once. */
export function startClip() {
  video.addEventListener("timeupdate", follow);
  video.addEventListener("seeked", follow);
  for (const side of [tracks, list]) {
    side.addEventListener("click", (event) => {
      const owner = event.target.closest("[data-index]");
      if (owner) go(clip.events[Number(owner.dataset.index)].first);
    });
  }
  list.addEventListener("keydown", (event) => {
    const owner = event.target.closest("[data-index]");
    if (owner && event.key === "Enter") go(clip.events[Number(owner.dataset.index)].first);
  });
}

/** Show a clip's events beside its moving picture; null hides it all. */
export function showClip(found, address) {
  film.hidden = list.hidden = !found;
  if (!found) {
    video.pause();
    video.removeAttribute("src");
    clip = null;
    return;
  }
  if (video.getAttribute("src") !== address) video.src = address;
  if (clip === found) return;
  clip = found;
  boxes.setAttribute("viewBox", `0 0 ${clip.width} ${clip.height}`);
  list.replaceChildren(...clip.events.map(item));
  const rows = layOut(clip.events);
  tracks.style.setProperty("--rows", String(Math.max(1, Math.max(0, ...rows) + 1)));
  tracks.replaceChildren(now, ...clip.events.map((event, index) => bar(event, index, rows[index])));
  follow();
}

/** Words in the list follow the language. */
export function relabelClip() {
  if (!clip) return;
  list.replaceChildren(...clip.events.map(item));
  follow();
}

/** The row of each bar: the first that is free. */
function layOut(events) {
  const ends = [];
  return events.map((event) => {
    let row = ends.findIndex((end) => end <= event.first);
    if (row < 0) row = ends.length;
    ends[row] = event.last;
    return row;
  });
}

function bar(event, index, row) {
  const element = document.createElement("i");
  const length = Math.max(clip.seconds, 0.001);
  element.dataset.index = index;
  element.dataset.kind = event.kind ?? "text";
  element.title = `${clock(event.first)} ${event.text}`;
  element.style.left = `${(100 * event.first) / length}%`;
  element.style.width = `${Math.max(0.3, (100 * (event.last - event.first)) / length)}%`;
  element.style.setProperty("--row", String(row));
  return element;
}

function item(event, index) {
  const element = document.createElement("li");
  element.dataset.index = index;
  element.tabIndex = 0;
  element.innerHTML = '<time></time><span class="said"></span><small></small>';
  element.querySelector("time").textContent = `${clock(event.first)} – ${clock(event.last)}`;
  element.querySelector(".said").textContent = event.text;
  element.querySelector("small").textContent = KINDS[event.kind] ? words(KINDS[event.kind]) : "";
  element.title = words("event", { score: Math.round(event.score * 100), seen: event.seen });
  return element;
}

/** Mark what is seen now. */
function follow() {
  if (!clip) return;
  const seconds = video.currentTime;
  now.style.left = `${Math.min(100, (100 * seconds) / Math.max(clip.seconds, 0.001))}%`;
  const seen = [];
  clip.events.forEach((event, index) => {
    const on = event.first <= seconds && seconds <= event.last + 0.05;
    list.children[index].classList.toggle("on", on);
    tracks.children[index + 1].classList.toggle("on", on);
    if (on) seen.push(event);
  });
  // A line that scrolls stands elsewhere now: its box is where it was read best.
  boxes.replaceChildren(...seen.map((event) => {
    const shape = document.createElementNS(SVG, "polygon");
    shape.setAttribute("points", event.box.map((corner) => corner.join(",")).join(" "));
    return shape;
  }));
  const first = list.querySelector(".on");
  if (first && !video.paused) first.scrollIntoView({ block: "nearest" });
}

function go(seconds) {
  video.currentTime = seconds + 0.01;
}

export function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(1).padStart(4, "0")}`;
}
