// The page's words in both languages. A language is chosen by the browser's list, then by the person.

const WORDS = {
  en: {
    title: "Read text", options: "How to read", angle: "Turn upright",
    angle_title: "Find out how the page is turned; off: trust that it is upright",
    single_line: "One line", single_line_title: "The picture is one cut-out line of text",
    comments: "Comments", comments_title: "In clips of live streams: tell apart who said or did what",
    more: "More", more_title: "More about how files are read",
    vertical: "Vertical writing", vertical_title: "All lines run from top to bottom, in columns from the right",
    languages: "Languages", languages_all: "Chinese and English", languages_en: "English only",
    punctuation: "Punctuation", punctuation_raw: "As read", punctuation_halfwidth: "ASCII", punctuation_fullwidth: "Chinese, full width",
    allowed: "Only these characters", lexicon: "Expected words, one a line", region: "Parts to read, one a line",
    region_more: "x,y,width,height in pixels, or in shares of the picture's sides (0 to 1)",
    bad_option: "One of the options does not fit.",
    events: "Lines of the clip", time_line: "Time line", event: "score {score} %, found in {seen} frames",
    kind_comment: "comment", kind_enter: "came in", kind_gift: "gift", events_left: "{count} events in {seconds} s",
    events_left_one: "1 event in {seconds} s",
    incomplete: "Only the first {seconds} s were read: the time ran out, or the file is cut.",
    clips_unavailable: "This service reads no clips. Set it up with --video.",
    files: "Files", add: "Add", choose: "Choose files", photograph: "Take a photo",
    drop: "Drop pictures, PDFs or clips here", drop_more: "or paste one with {key}", drop_touch: "Read the text of a picture, PDF or clip",
    limits: "Up to {mib} MB, {megapixels} megapixels and {pages} pages a file",
    privacy: "Files are read by the machine that serves this page and are not kept there.",
    previous: "Previous page", next: "Next page", page: "Page {page} of {pages}",
    zoom_in: "Larger", zoom_out: "Smaller", again: "Read again", copy: "Copy all",
    download: "Download", lines: "Lines of text", release: "Let go to read",
    waiting: "waiting", reading: "reading …", failed: "not read", left: "{count} lines",
    left_one: "1 line", no_lines: "No text found", no_lines_more: "The picture was read, but there is no text in it that could be recognized.",
    line: "Line {number}, score {score} %", edit: "Edit line", undo: "Undo the edit",
    copied: "Copied", copied_none: "There is nothing to copy", saved: "{name} saved",
    retry: "Try again", remove: "Remove", remove_file: "Remove {name}",
    failed_title: "{name} was not read", failed_page: "Page {page} was not read: {message}",
    preview_failed: "The picture cannot be shown; its text is complete.",
    copy_failed: "The browser does not allow copying here; select the text and copy it.",
    dropped_nothing: "There was no file in that.",
    too_large: "The file is larger than {mib} MB.",
    too_many_pixels: "The picture has more than {megapixels} megapixels. Reduce it and try again.",
    too_many_pages: "The document has more than {pages} pages. Send it in parts.",
    unreadable: "This is not a picture, PDF or clip that can be read, or it is damaged. JPEG, PNG, WebP, GIF, BMP, TIFF, PDF, MP4 and MKV files can be.",
    busy: "The service is busy. Try again in a moment.",
    queue_timeout: "The service is busy. Try again in a moment.",
    read_timeout: "Reading took too long. Try a smaller picture or fewer pages.",
    upload_timeout: "The file arrived too slowly.",
    offline: "The service does not answer. Is it still running?",
    internal: "The service failed. Its log says why.",
    other: "The service refused the file.",
    txt: "Plain text", json: "JSON", jsonl: "JSON, one line a page", tsv: "Table (TSV)", md: "Markdown",
    hocr: "hOCR", alto: "ALTO XML", page_format: "PAGE XML", pdf: "Searchable PDF", labels: "Training labels", paddle: "Labels for PaddleOCR", icdar: "Labels as in ICDAR",
    pasted: "pasted",
  },
  zh: {
    title: "识别文字", options: "识别方式", angle: "自动转正",
    angle_title: "判断页面的旋转方向；关闭时按正向处理",
    single_line: "单行", single_line_title: "图片只含一行裁剪好的文字",
    comments: "评论", comments_title: "直播画面：分出谁说了什么、做了什么",
    more: "更多", more_title: "更多识别选项",
    vertical: "竖排文字", vertical_title: "所有行自上而下，各列从右到左",
    languages: "语言", languages_all: "中文和英文", languages_en: "仅英文",
    punctuation: "标点", punctuation_raw: "按原样", punctuation_halfwidth: "半角", punctuation_fullwidth: "中文全角",
    allowed: "只允许这些字符", lexicon: "预期的词语，每行一个", region: "要识别的区域，每行一个",
    region_more: "x,y,宽,高：像素，或占图片边长的比例（0 到 1）",
    bad_option: "有一个选项不合适。",
    events: "片段中的文字", time_line: "时间轴", event: "置信度 {score}%，在 {seen} 帧中找到",
    kind_comment: "评论", kind_enter: "进场", kind_gift: "礼物", events_left: "{seconds} 秒内 {count} 条",
    events_left_one: "{seconds} 秒内 1 条",
    incomplete: "只识别了前 {seconds} 秒：时间用尽，或文件不完整。",
    clips_unavailable: "此服务不能识别视频，请用 --video 安装。",
    files: "文件", add: "添加", choose: "选择文件", photograph: "拍照",
    drop: "把图片、PDF 或视频拖到这里", drop_more: "也可以按 {key} 粘贴", drop_touch: "识别图片、PDF 或视频中的文字",
    limits: "每个文件不超过 {mib} MB、{ten_thousands} 万像素、{pages} 页",
    privacy: "文件由提供本页面的机器识别，识别后不保留。",
    previous: "上一页", next: "下一页", page: "第 {page} 页，共 {pages} 页",
    zoom_in: "放大", zoom_out: "缩小", again: "重新识别", copy: "复制全部",
    download: "下载", lines: "文字行", release: "松开即可识别",
    waiting: "等待中", reading: "识别中…", failed: "未识别", left: "{count} 行",
    left_one: "1 行", no_lines: "没有找到文字", no_lines_more: "图片已处理，但其中没有可识别的文字。",
    line: "第 {number} 行，置信度 {score}%", edit: "编辑此行", undo: "撤销修改",
    copied: "已复制", copied_none: "没有可复制的内容", saved: "已保存 {name}",
    retry: "重试", remove: "移除", remove_file: "移除 {name}",
    failed_title: "未能识别 {name}", failed_page: "第 {page} 页未能识别：{message}",
    preview_failed: "无法显示图片，但文字是完整的。",
    copy_failed: "浏览器不允许在此复制，请选中文字后自行复制。",
    dropped_nothing: "其中没有文件。",
    too_large: "文件超过 {mib} MB。",
    too_many_pixels: "图片超过 {ten_thousands} 万像素，请缩小后重试。",
    too_many_pages: "文档超过 {pages} 页，请分开提交。",
    unreadable: "这不是可识别的图片、PDF 或视频，或者文件已损坏。支持 JPEG、PNG、WebP、GIF、BMP、TIFF、PDF、MP4 和 MKV。",
    busy: "服务正忙，请稍后重试。",
    queue_timeout: "服务正忙，请稍后重试。",
    read_timeout: "识别用时过长，请换小一些的图片或减少页数。",
    upload_timeout: "文件上传太慢。",
    offline: "服务没有响应，请确认它仍在运行。",
    internal: "服务内部出错，原因见其日志。",
    other: "服务拒绝了这个文件。",
    txt: "纯文本", json: "JSON", jsonl: "JSON（每页一行）", tsv: "表格（TSV）", md: "Markdown",
    hocr: "hOCR", alto: "ALTO XML", page_format: "PAGE XML", pdf: "可搜索 PDF", labels: "训练标注", paddle: "PaddleOCR 标注", icdar: "ICDAR 标注",
    pasted: "粘贴",
  },
};
const KEY = "ocr-language";

let language = chosen();

function chosen() {
  let kept = null;
  try { kept = localStorage.getItem(KEY); } catch { /* storage may be off */ }
  if (kept in WORDS) return kept;
  const known = (navigator.languages ?? [navigator.language]).find((name) => /^(zh|en)\b/i.test(name));
  return known?.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The words for a key, values filled in; undefined for a key that there is not. */
export function words(key, values = {}) {
  return WORDS[language][key]?.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The words for how many there are; one has words of its own. */
export function counted(key, count, values = {}) {
  return words(count === 1 ? `${key}_one` : key, { count, ...values });
}

/** Fill in every element that names its words, and tell the browser the language. */
export function translate() {
  const key = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘V" : "Ctrl+V";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = words("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = words(element.dataset.text, { key });
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", words(element.dataset.label));
  for (const element of document.querySelectorAll("[data-title]")) {
    element.title = words(element.dataset.title);
    if (element.matches("button")) element.setAttribute("aria-label", element.title);
  }
  const button = document.getElementById("language");
  button.textContent = language === "zh" ? "English" : "中文";
  button.lang = language === "zh" ? "en" : "zh-CN";
}

/** Change to the other language and keep that. */
export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  try { localStorage.setItem(KEY, language); } catch { /* storage may be off */ }
  translate();
}
