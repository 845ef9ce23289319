
// ---- what is typed is asked, one question at a time

let asking = false, asked = null;

const show = (text, html, wrong) => {
  byId("answer").textContent = text;
  byId("answer").classList.toggle("problem", wrong);
  byId("hypotheses").innerHTML = html;
  showAlignments(byId("hypotheses"));
};

async function translate(question) {
  if (question.lines[0].trim() === "") return show("", "", false);
  const answer = await fetch("translate", { method: "POST", body: JSON.stringify(question) });
  const found = await answer.json();
  const [line] = found.translations ?? [found];
  if (line.error === undefined) show(line.text, line.html, false);
  else show(line.error, "", true);
}

async function ask() {
  if (asking) return;
  asking = true;
  for (;;) {
    const beam = Math.max(1, byId("beam").valueAsNumber || 1);
    const question = { lines: [byId("line").value], model: byId("model").value, beam, n_best: beam, html: true };
    const text = JSON.stringify(question);
    if (text === asked) break;
    asked = text;
    await translate(question).catch((error) => show(String(error), "", true));
  }
  asking = false;
}

byId("controls").addEventListener("input", ask);
byId("controls").addEventListener("submit", (event) => event.preventDefault());

fetch("models").then((answer) => answer.json()).then((names) => {
  for (const name of names) make("option", byId("model"), name);
  byId("model").parentElement.hidden = names.length < 2;
  ask();
}, (error) => show(String(error), "", true));
