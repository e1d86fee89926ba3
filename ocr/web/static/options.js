// How files are read: what is set in the header, as the service takes it.

const at = (id) => document.getElementById(id);
const FIELDS = ["languages", "allowed", "lexicon", "region", "punctuation"];

for (const id of [...FIELDS, "vertical"]) at(id).addEventListener("input", mark);
document.addEventListener("click", (event) => {
  if (!at("more").contains(event.target)) at("more").open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !at("more").open) return;
  at("more").open = false;
  at("more").querySelector("summary").focus();
});
mark();

/** Say on the closed menu that something in it is set. */
function mark() {
  const set = at("vertical").checked || FIELDS.some((id) => at(id).value.trim() && at(id).value !== "raw");
  at("more").classList.toggle("set", set);
}

/** Pairs of name and value for a query. */
export function options() {
  const pairs = [
    ["angle", at("angle").checked],
    ["single_line", at("single-line").checked],
    ["vertical", at("vertical").checked],
    ["punctuation", at("punctuation").value],
  ];
  for (const id of ["languages", "allowed", "lexicon"]) {
    if (at(id).value.trim()) pairs.push([id, at(id).value.trim()]);
  }
  for (const line of at("region").value.split("\n")) {
    if (line.trim()) pairs.push(["region", line.trim()]);
  }
  return pairs;
}
