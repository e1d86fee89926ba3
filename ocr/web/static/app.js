// The page: takes files, has them read one after the other, shows what was read.

import { clock, relabelClip, showClip, startClip } from "./clip.js";
import { options } from "./options.js";
import { about, preview, read, readClip, write } from "./service.js";
import { relabel, showPage, showPicture, start } from "./view.js";
import { counted, switchLanguage, translate, words } from "./words.js";

const AT_ONCE = 2; // files sent at a time
const CLIP = /\.(mp4|m4v|mov|mkv|webm|avi|flv|ts|mts|m2ts|mpe?g|wmv|3gp|ogv)$/i;
const SHOWN_BY_BROWSERS = /^image\/(jpeg|png|webp|gif|bmp)$/;

const at = (id) => document.getElementById(id);
const files = []; // {id, file, name, state, pages, failed, error, page, addresses, notice}
let current = null;
let limits = null;
let last_id = 0;

start(() => showCount());
startClip();
translate();
connect();

for (const input of document.querySelectorAll(".pick")) {
  input.addEventListener("change", () => {
    add(input.files);
    input.value = ""; // choosing the same file again is a change too
  });
}
at("language").addEventListener("click", () => { switchLanguage(); relabel(); relabelClip(); refresh(); });
at("previous").addEventListener("click", () => turn(-1));
at("next").addEventListener("click", () => turn(1));
at("again").addEventListener("click", () => again(current));
at("retry").addEventListener("click", () => again(current));
at("remove").addEventListener("click", () => remove(current));
at("copy").addEventListener("click", copyAll);
at("formats").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) download(button.dataset.name);
});
document.addEventListener("click", (event) => {
  if (!at("download").contains(event.target)) at("download").open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && at("download").open) {
    at("download").open = false;
    at("download").querySelector("summary").focus();
  }
});
document.addEventListener("paste", (event) => {
  if (!event.clipboardData?.files.length) return;
  event.preventDefault();
  add(event.clipboardData.files, true);
});
// Enter and leave come for every element under the pointer, so they are counted.
let depth = 0;
const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
const veil = (on) => document.body.classList.toggle("dragging", on);
document.addEventListener("dragenter", (event) => { if (holdsFiles(event)) { depth += 1; veil(true); } });
document.addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); if (depth === 0) veil(false); });
document.addEventListener("dragover", (event) => { if (holdsFiles(event)) event.preventDefault(); });
document.addEventListener("drop", (event) => {
  depth = 0;
  veil(false);
  if (!holdsFiles(event)) return;
  event.preventDefault();
  if (event.dataTransfer.files.length) add(event.dataTransfer.files);
  else toast(words("dropped_nothing"));
});

async function connect() {
  try {
    limits = await about();
  } catch { return; } // reading will say that the service does not answer
  showLimits();
}

function limitValues() {
  return limits && {
    mib: Math.floor(limits.max_body_bytes / 2 ** 20),
    megapixels: Math.floor(limits.max_pixels / 1e6),
    ten_thousands: Math.floor(limits.max_pixels / 1e4),
    pages: limits.max_pages,
  };
}

function showLimits() {
  if (!limits) return;
  at("limits").textContent = words("limits", limitValues());
  at("formats").replaceChildren(...limits.formats.map(({ name }) => {
    const row = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.dataset.name = name;
    const what = document.createElement("span"), ending = document.createElement("code");
    what.textContent = words(name === "page" ? "page_format" : name) ?? name;
    ending.textContent = name;
    button.append(what, ending);
    row.append(button);
    return row;
  }));
}

function add(list, pasted = false) {
  const before = files.length;
  for (const file of list) {
    last_id += 1;
    const name = pasted ? `${words("pasted")}-${last_id}.${file.name.split(".").pop() || "png"}` : file.name;
    files.push({ id: last_id, file, name, state: "waiting", pages: [], failed: [], error: null, page: 0, addresses: new Map(), notice: "" });
  }
  if (files.length === before) return;
  show(files[before]);
  pump();
}

/** Send what waits, a few at a time. */
function pump() {
  const busy = files.filter((entry) => entry.state === "reading").length;
  for (const entry of files.filter(({ state }) => state === "waiting").slice(0, Math.max(0, AT_ONCE - busy))) {
    readOne(entry).finally(pump);
  }
}

async function readOne(entry) {
  entry.state = "reading";
  entry.error = null;
  refresh();
  try {
    if (limits && entry.file.size > limits.max_body_bytes) throw Object.assign(new Error(""), { code: "too_large" });
    if (isClip(entry)) {
      const clip = await readClip(entry.file, entry.name, at("comments").checked);
      Object.assign(entry, { clip, pages: [], failed: [], state: "done" });
    } else await readPages(entry);
  } catch (error) {
    Object.assign(entry, { state: "failed", error, pages: [], failed: [], clip: null });
  }
  if (!limits) connect();
  if (entry === current) show(entry);
  else refresh();
}

const isClip = (entry) => entry.file.type.startsWith("video/") || CLIP.test(entry.name);

async function readPages(entry) {
  Object.assign(entry, await read(entry.file, entry.name, options()), { state: "done", page: 0 });
}

function again(entry) {
  if (!entry || entry.state === "reading" || entry.state === "waiting") return;
  entry.state = "waiting";
  entry.pages = [];
  entry.clip = null;
  show(entry);
  pump();
}

function remove(entry) {
  const index = files.indexOf(entry);
  files.splice(index, 1);
  for (const address of entry.addresses.values()) URL.revokeObjectURL(address);
  if (entry === current) show(files[index] ?? files[index - 1] ?? null);
  else refresh();
}

function turn(by) {
  current.page = Math.max(0, Math.min(current.pages.length - 1, current.page + by));
  show(current);
}

function show(entry) {
  current = entry;
  showPage(entry?.pages[entry.page] ?? null);
  refresh();
  if (entry && isClip(entry)) {
    if (!entry.addresses.has(0)) entry.addresses.set(0, URL.createObjectURL(entry.file));
  } else if (entry) showCurrentPicture(entry);
  showClip(entry?.clip ?? null, entry?.addresses.get(0));
}

async function showCurrentPicture(entry) {
  const number = entry.pages[entry.page]?.page ?? 0;
  const local = SHOWN_BY_BROWSERS.test(entry.file.type) && number === 0;
  if (!entry.addresses.has(number) && local) entry.addresses.set(number, URL.createObjectURL(entry.file));
  if (entry.addresses.has(number) || entry.state !== "done") {
    showPicture(entry.addresses.get(number) ?? "", entry.name);
    return;
  }
  showPicture("", entry.name);
  try {
    const address = URL.createObjectURL(await preview(entry.file, entry.name, number));
    entry.addresses.set(number, address);
    if (entry === current && (entry.pages[entry.page]?.page ?? 0) === number) showPicture(address, entry.name);
  } catch {
    toast(words("preview_failed"));
  }
}

/** Bring everything but the lines up to date. */
function refresh() {
  document.body.classList.toggle("empty", files.length === 0);
  for (const id of ["picture", "text"]) at(id).hidden = !current;
  at("welcome").hidden = Boolean(current);
  at("files").replaceChildren(...files.map(chip));
  at("files").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  showLimits();
  if (!current) return;
  at("name").textContent = current.name;
  at("pane").hidden = Boolean(current.clip);
  for (const id of ["zoom-out", "zoom-in", "download"]) at(id).hidden = isClip(current);
  at("pages").hidden = current.pages.length < 2;
  at("page").textContent = `${current.page + 1} / ${current.pages.length}`;
  at("page").title = words("page", { page: current.page + 1, pages: current.pages.length });
  at("previous").disabled = current.page === 0;
  at("next").disabled = current.page >= current.pages.length - 1;
  document.body.dataset.state = current.state;
  for (const id of ["again", "copy"]) at(id).disabled = current.state !== "done";
  at("download").inert = current.state !== "done";
  showCount();
  showNotice();
  showError();
}

function showCount() {
  if (current?.clip) {
    const seconds = Math.round(current.clip.seconds);
    at("count").textContent = counted("events_left", current.clip.events.length, { seconds });
    return;
  }
  const page = current?.pages[current.page];
  const count = page?.lines.length ?? 0;
  at("count").textContent = current?.state === "done"
    ? counted("left", count) : words(current?.state ?? "waiting");
}

function showNotice() {
  const failed = current.failed.map(({ page, message }) => words("failed_page", { page: page + 1, message }));
  const none = current.state === "done" && (current.clip?.events ?? current.pages[current.page]?.lines)?.length === 0;
  const cut = current.clip && !current.clip.complete;
  if (cut) failed.push(words("incomplete", { seconds: Math.round(current.clip.seconds) }));
  const notes = [...failed, ...(none ? [`${words("no_lines")}. ${words("no_lines_more")}`] : [])];
  at("notice").hidden = notes.length === 0;
  at("notice").textContent = notes.join("\n");
}

function showError() {
  const error = current.state === "failed" ? current.error : null;
  at("error").hidden = !error;
  at("lines").hidden = Boolean(error || current.clip);
  if (error) at("events").hidden = true;
  if (!error) return;
  at("error-title").textContent = words("failed_title", { name: current.name });
  at("error-reason").textContent = words(error.code, limitValues() ?? {}) ?? words("other");
  at("error-detail").textContent = error.message;
}

function chip(entry) {
  const element = document.createElement("li");
  element.className = entry.state;
  element.innerHTML = `<button type="button" class="open"><i></i><span class="label"></span></button>
    <button type="button" class="icon close"><svg><use href="#i-close"/></svg></button>`;
  const [open, close] = element.querySelectorAll("button");
  open.querySelector(".label").textContent = entry.name;
  open.title = `${entry.name} · ${entry.state === "done" ? counted("left", total(entry)) : words(entry.state)}`;
  open.addEventListener("click", () => show(entry));
  if (entry === current) open.setAttribute("aria-current", "true");
  close.title = words("remove_file", { name: entry.name });
  close.setAttribute("aria-label", close.title);
  close.addEventListener("click", () => remove(entry));
  return element;
}

function total(entry) {
  return entry.clip?.events.length ?? entry.pages.reduce((sum, page) => sum + page.lines.length, 0);
}

async function copyAll() {
  const said = current.clip?.events.map((event) => `${clock(event.first)}\t${event.text}`).join("\n");
  const text = said ?? current.pages
    .map((page) => page.lines.map((line) => line.text).filter(Boolean).join("\n"))
    .filter(Boolean).join("\n\n");
  if (!text) { toast(words("copied_none")); return; }
  toast(words((await copy(text)) ? "copied" : "copy_failed"));
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { /* no right to, or a page that did not come from this machine or by https */ }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

async function download(format) {
  at("download").open = false;
  const { picture } = limits.formats.find(({ name }) => name === format);
  try {
    const { blob, name } = await write(format, current.pages, current.name, picture ? current.file : null);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    toast(words("saved", { name }));
  } catch (error) {
    toast(`${words(error.code) ?? words("other")} ${error.message}`);
  }
}

let fading = 0;
function toast(text) {
  clearTimeout(fading);
  at("toast").textContent = text;
  at("toast").classList.add("on");
  fading = setTimeout(() => at("toast").classList.remove("on"), 3500);
}
