// One page on the screen: its picture with the lines drawn over it, and its lines as text beside it.

import { words } from "./words.js";

const LOW_SCORE = 0.5; // more likely wrong than right
const ZOOMS = [1, 1.5, 2, 3, 4, 6];
const SVG = "http://www.w3.org/2000/svg";

const at = (id) => document.getElementById(id);
const pane = at("pane"), stage = at("stage"), sheet = at("sheet"), image = at("image"), quads = at("quads"), list = at("lines");

let shown = null; // the page shown, with width, height, angle and lines
let zoom = 0;
let edited = () => {};

/** Wire the events once; `onEdit` is called after a line's text has changed. */
export function start(onEdit) {
  edited = onEdit;
  new ResizeObserver(fit).observe(pane);
  image.addEventListener("load", fit);
  at("zoom-in").addEventListener("click", () => setZoom(zoom + 1));
  at("zoom-out").addEventListener("click", () => setZoom(zoom - 1));
  for (const side of [quads, list]) {
    side.addEventListener("pointerover", (event) => mark(indexOf(event.target), "hover"));
    side.addEventListener("pointerleave", () => mark(-1, "hover"));
  }
  quads.addEventListener("click", (event) => {
    const index = indexOf(event.target);
    if (index >= 0) textOf(index).focus();
  });
  quads.addEventListener("dblclick", (event) => {
    const index = indexOf(event.target);
    if (index >= 0) edit(index);
  });
  list.addEventListener("focusin", (event) => select(indexOf(event.target)));
  list.addEventListener("click", onClick);
  list.addEventListener("keydown", onKey);
  // The list's own markup (numbers, buttons) is not part of what is copied.
  list.addEventListener("copy", (event) => {
    const picked = getSelection();
    if (picked.isCollapsed) return;
    event.clipboardData.setData("text/plain", picked.toString().replace(/\n{2,}/g, "\n").replace(/\n$/, ""));
    event.preventDefault();
  });
}

/** Show a picture by its address ("" for none yet). */
export function showPicture(address, name) {
  if (image.getAttribute("src") === address) return;
  image.alt = name;
  if (address) image.src = address;
  else image.removeAttribute("src");
  stage.classList.toggle("blank", !address);
}

/** Show a page's lines in both places; null shows none. */
export function showPage(page) {
  shown = page;
  setZoom(0);
  const lines = page?.lines ?? [];
  quads.setAttribute("viewBox", `0 0 ${page?.width ?? 1} ${page?.height ?? 1}`);
  quads.replaceChildren(...lines.map(polygon));
  list.replaceChildren(...lines.map(item));
  list.scrollTop = pane.scrollTop = pane.scrollLeft = 0;
}

/** Words in the list's tooltips follow the language. */
export function relabel() {
  for (const element of list.children) label(element, Number(element.dataset.index));
}

function polygon(line, index) {
  const shape = document.createElementNS(SVG, "polygon");
  shape.setAttribute("points", line.box.map((corner) => corner.join(",")).join(" "));
  shape.dataset.index = index;
  if (line.score < LOW_SCORE) shape.classList.add("low");
  return shape;
}

function item(line, index) {
  const element = document.createElement("li");
  element.dataset.index = index;
  element.innerHTML = `<span class="line" tabindex="0"></span><span class="tools">
    <button type="button" class="icon undo" tabindex="-1"><svg><use href="#i-undo"/></svg></button>
    <button type="button" class="icon edit" tabindex="-1"><svg><use href="#i-edit"/></svg></button></span>`;
  if (line.score < LOW_SCORE) element.classList.add("low");
  element.querySelector(".line").textContent = line.text;
  label(element, index);
  return element;
}

function label(element, index) {
  const line = shown.lines[index];
  element.classList.toggle("edited", line.read !== undefined && line.read !== line.text);
  element.title = words("line", { number: index + 1, score: Math.round(line.score * 100) });
  for (const name of ["edit", "undo"]) {
    const button = element.querySelector(`.${name}`);
    button.title = words(name);
    button.setAttribute("aria-label", words(name));
  }
}

function indexOf(target) {
  const owner = target.closest?.("[data-index]");
  return owner ? Number(owner.dataset.index) : -1;
}

function textOf(index) {
  return list.children[index].querySelector(".line");
}

function mark(index, name) {
  for (const side of [quads, list]) {
    side.querySelector(`.${name}`)?.classList.remove(name);
    if (index >= 0) side.children[index]?.classList.add(name);
  }
  if (index >= 0 && name === "hover") reveal(index);
}

/** Bring a line's box and text into view, each in its own pane only where it is not. */
function reveal(index) {
  for (const [element, frame] of [[quads.children[index], pane], [list.children[index], list]]) {
    if (!element) continue;
    const inner = element.getBoundingClientRect(), outer = frame.getBoundingClientRect();
    const gap = 24;
    const move = (low, high, from, to) => (low < from ? low - from - gap : high > to ? Math.min(high - to + gap, low - from - gap) : 0);
    frame.scrollBy(move(inner.left, inner.right, outer.left, outer.right), move(inner.top, inner.bottom, outer.top, outer.bottom));
  }
}

function select(index) {
  mark(index, "selected");
  if (index >= 0) reveal(index);
}

function onClick(event) {
  const index = indexOf(event.target), button = event.target.closest("button");
  if (index < 0) return;
  if (button?.classList.contains("edit")) edit(index);
  else if (button?.classList.contains("undo")) change(index, shown.lines[index].read);
}

function onKey(event) {
  const index = indexOf(event.target);
  if (index < 0 || event.target.isContentEditable || !event.target.matches(".line")) return;
  const moves = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: list.children.length - 1 };
  if (event.key === "Enter" || event.key === "F2") edit(index);
  else if (event.key in moves && !event.shiftKey) list.children[moves[event.key]]?.querySelector(".line").focus();
  else return;
  event.preventDefault();
}

/** Edit a line in place: Enter or leaving keeps the text, Escape drops it. */
function edit(index) {
  const element = textOf(index);
  if (element.isContentEditable) return;
  // Not every browser has the plain kind.
  try { element.contentEditable = "plaintext-only"; } catch { element.contentEditable = "true"; }
  element.focus();
  getSelection().selectAllChildren(element);
  getSelection().collapseToEnd();
  const finish = (keep) => {
    element.contentEditable = "false";
    element.removeAttribute("contenteditable");
    element.removeEventListener("keydown", onEditKey);
    element.removeEventListener("blur", onBlur);
    change(index, keep ? element.textContent.replace(/\s+/g, " ").trim() : shown.lines[index].text);
  };
  const onBlur = () => finish(true);
  const onEditKey = (event) => {
    // An input method uses Enter and Escape itself.
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    finish(event.key === "Enter");
    element.focus();
  };
  element.addEventListener("keydown", onEditKey);
  element.addEventListener("blur", onBlur);
}

function change(index, text) {
  const line = shown.lines[index];
  textOf(index).textContent = text;
  if (line.text !== text) {
    line.read ??= line.text;
    line.text = text;
    edited();
  }
  label(list.children[index], index);
}

function setZoom(step) {
  zoom = Math.max(0, Math.min(ZOOMS.length - 1, step));
  at("zoom-out").disabled = zoom === 0;
  at("zoom-in").disabled = zoom === ZOOMS.length - 1;
  fit();
}

/** Size the stage so that the whole upright page fits the pane, then zoom. */
function fit() {
  const width = shown?.width ?? image.naturalWidth, height = shown?.height ?? image.naturalHeight;
  if (!width || !height) return;
  const degrees = shown?.angle.degrees ?? 0, onSide = degrees % 180 === 90;
  const across = onSide ? height : width, down = onSide ? width : height;
  const scale = Math.min((pane.clientWidth - 24) / across, (pane.clientHeight - 24) / down, 2) * ZOOMS[zoom];
  stage.style.width = `${across * scale}px`;
  stage.style.height = `${down * scale}px`;
  sheet.style.width = `${width * scale}px`;
  sheet.style.height = `${height * scale}px`;
  sheet.style.transform = `translate(-50%, -50%) rotate(${-degrees}deg)`;
}
