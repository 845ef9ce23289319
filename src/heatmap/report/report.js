// The sentences of a report: filter and order.

const list = byId("sentences");
const sentences = [...list.children];

const folded = (text) => text.normalize("NFKC").toLowerCase();
const texts = new Map();

function textOf(sentence) {
  if (!texts.has(sentence)) {
    const parts = [...sentence.querySelectorAll(".text")].map((text) => text.textContent);
    texts.set(sentence, folded(parts.join("\n")));
  }
  return texts.get(sentence);
}

function filter() {
  leave();
  const words = folded(byId("filter").value).split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const sentence of sentences) {
    sentence.hidden = words.length > 0 && !words.every((word) => textOf(sentence).includes(word));
    if (!sentence.hidden) shown += 1;
  }
  const all = `${sentences.length} ${sentences.length === 1 ? "sentence" : "sentences"}`;
  byId("count").textContent = shown === sentences.length ? all : `${shown} of ${all}`;
}

// What has no score, because it has no translation, comes before the lowest.
const scoreOf = (sentence) => Number(sentence.dataset.score ?? -Number.MAX_VALUE);

const ORDERS = {
  file: null,
  score: (a, b) => scoreOf(a) - scoreOf(b),
  length: (a, b) => b.querySelector(".text").textContent.length - a.querySelector(".text").textContent.length,
};

byId("filter").addEventListener("input", filter);
byId("order").addEventListener("change", ({ target }) => {
  leave();
  const order = ORDERS[target.value];
  // One by one: a call has no room for a hundred thousand.
  for (const sentence of order ? [...sentences].sort(order) : sentences) list.append(sentence);
});
byId("toggle").addEventListener("click", ({ target }) => {
  const open = target.textContent === "Open all";
  for (const sentence of sentences) sentence.open = open;
  target.textContent = open ? "Close all" : "Open all";
});
byId("controls").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.matches("input, select")) {
    event.preventDefault();
    byId("filter").focus();
  }
});

showAlignments(list);

// The sentence that the address names (#s12), or the first.
function reveal() {
  const named = byId(location.hash.slice(1));
  const sentence = named?.matches(".sentence") ? named : sentences[0];
  if (!sentence) return;
  sentence.open = true;
  if (sentence === named) named.scrollIntoView();
}

addEventListener("hashchange", reveal);
reveal();
filter();
