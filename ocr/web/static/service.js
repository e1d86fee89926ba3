// Talks to the service: a file in, pages out. Waits and tries again while the service is busy.

const MAX_TRIES = 30;
const BUSY = new Set(["busy", "queue_timeout"]);

/** Why there is no result: `code` as in the interface's description, or "offline". */
export class ReadError extends Error {
  constructor(code, message, retryAfter = 0) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** What the service accepts and writes. */
export async function about() {
  return (await send("/about", { method: "GET" })).json();
}

/** Read a file, with options as pairs of name and value; gives {pages, failed}. */
export async function read(file, name, options) {
  const query = new URLSearchParams([["name", name], ["characters", true], ...options]);
  return (await patiently(() => post(`/ocr?${query}`, file))).json();
}

/** Read a clip; gives {width, height, seconds, complete, events}. */
export async function readClip(file, name, comments) {
  const query = new URLSearchParams({ name, comments });
  return (await patiently(() => post(`/clip?${query}`, file))).json();
}

/** One page of a file as a picture that the browser can show. */
export async function preview(file, name, page) {
  const query = new URLSearchParams({ name, page });
  return (await patiently(() => post(`/preview?${query}`, file))).blob();
}

/** A file in a format, made from pages as they are now; gives {blob, name}. */
export async function write(format, pages, name, file) {
  const form = new FormData();
  form.append("format", format);
  form.append("name", name);
  form.append("pages", new Blob([JSON.stringify(pages)], { type: "application/json" }), "pages.json");
  if (file) form.append("file", file, name);
  const answer = await patiently(() => post("/export", form));
  const encoded = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("content-disposition") ?? "");
  return { blob: await answer.blob(), name: encoded ? decodeURIComponent(encoded[1]) : `${name}.${format}` };
}

function post(path, body) {
  // Without a type of its own a dropped file would be announced as a form.
  const headers = body instanceof FormData ? {} : { "Content-Type": "application/octet-stream" };
  return send(path, { method: "POST", body, headers });
}

async function patiently(attempt) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!BUSY.has(error.code) || tries === MAX_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * Math.max(1, error.retryAfter)));
    }
  }
}

async function send(path, request) {
  let answer;
  try {
    answer = await fetch(path, request);
  } catch (error) {
    throw new ReadError("offline", String(error.message ?? error));
  }
  if (answer.ok) return answer;
  let detail = null;
  try { detail = (await answer.json()).error; } catch { /* something between answered */ }
  throw new ReadError(detail?.code ?? "other", detail?.message ?? `HTTP ${answer.status}`, Number(answer.headers.get("retry-after")));
}
