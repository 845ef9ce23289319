// The page: what is typed goes to the worker, what it answers is shown. Only the newest question is of interest.

import { dropped, modelFrom } from "./files.js";

const byId = (id) => document.getElementById(id);
const OURS = "./model";

let worker, waiting, number = 0;

function start() {
  waiting = new Map();
  worker = new Worker("./worker.js", { type: "module" });
  worker.addEventListener("message", ({ data: { id, value, error, progress } }) => {
    const asked = waiting.get(id);
    if (!asked) return;
    if (progress) return asked.tell?.(progress);
    waiting.delete(id);
    if (error === undefined) asked.resolve(value);
    else asked.reject(new Error(error));
  });
  worker.addEventListener("error", (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message ?? "the worker broke off"));
    waiting.clear();
  });
}

function ask(method, args, tell) {
  const id = ++number;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, tell });
    worker.postMessage({ id, method, args });
  });
}

function trouble(text) {
  byId("trouble").textContent = text ?? "";
  byId("trouble").hidden = !text;
}

// ---- the model and its device

let model = new URL(OURS, location.href).href;
let opened = null;

async function open(device = byId("where").value) {
  byId("device").textContent = "…";
  const files = model;
  opened = ask("open", { model: files, device, precision: byId("precision").value });
  const { device: found, why } = await opened;
  byId("device").textContent = found;
  trouble(why && `${why} The CPU computes.`);
}

// What goes wrong on a GPU is said, and typing goes on on the CPU.
async function orOnCpu(work) {
  try {
    return await work();
  } catch (error) {
    if (!byId("device").textContent.startsWith("GPU")) throw error;
    await open("cpu");
    trouble(`${error.message} The CPU computes.`);
    return work();
  }
}

// ---- translating with every key

// Runs the newest request, and none that another has overtaken.
function newest(work) {
  let busy = false, again = false;
  return async function run() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      await work().catch((error) => trouble(error.message));
    } while (again);
    busy = false;
  };
}

const translateWord = newest(async () => {
  const word = byId("word").value.trim();
  if (!word) {
    byId("answer").textContent = "";
    byId("hypotheses").replaceChildren();
    return;
  }
  const beam = Math.min(512, Math.max(1, byId("beam").valueAsNumber || 1));
  await opened;
  const options = { beam, nBest: Math.min(5, beam), html: true };
  const [answer] = await orOnCpu(() => ask("translate", { sources: [word], options }));
  byId("answer").textContent = answer.text ?? "";
  byId("answer").classList.toggle("problem", Boolean(answer.error));
  if (answer.error) byId("answer").textContent = answer.error;
  byId("hypotheses").innerHTML = answer.html ?? "";
  showAlignments(byId("hypotheses"));
});

const translateText = newest(async () => {
  const text = byId("text").value;
  await opened;
  const answers = text.trim() ? await orOnCpu(() => ask("translate", { sources: [text], options: { eachWord: true } })) : [];
  byId("text-answer").hidden = answers.length === 0;
  byId("text-answer").replaceChildren(...answers.map(({ word, text, error }) => {
    const shown = document.createElement("span");
    shown.textContent = text ?? "";
    shown.title = error ?? "";
    const small = shown.appendChild(document.createElement("small"));
    small.textContent = error ? `${word} (${error})` : word;
    return shown;
  }));
});

async function reopen() {
  try {
    await open();
    await Promise.all([translateWord(), translateText()]);
  } catch (error) {
    trouble(error.message);
  }
}

byId("word").addEventListener("input", translateWord);
byId("beam").addEventListener("input", translateWord);
byId("text").addEventListener("input", translateText);
byId("where").addEventListener("change", reopen);
byId("precision").addEventListener("change", reopen);
byId("controls").addEventListener("submit", (event) => event.preventDefault());

// ---- another model, from files

async function take(files) {
  const before = model;
  try {
    model = await modelFrom(await files);
    await open();
    await Promise.all([translateWord(), translateText()]);
  } catch (error) {
    model = before;
    await open();
    trouble(error.message);
  }
}

byId("files").addEventListener("change", ({ target }) => take([...target.files]));
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  take(dropped(event.dataTransfer));
});

// ---- verifying

const scientific = (number) => number.toExponential(1);

byId("verify").addEventListener("click", async () => {
  const device = byId("where").value === "cpu" || !byId("device").textContent.startsWith("GPU") ? "cpu" : "webgpu";
  byId("verify").disabled = true;
  byId("save").hidden = true;
  byId("progress").hidden = byId("operations").hidden = false;
  const rows = byId("operations").tBodies[0];
  rows.replaceChildren();
  byId("verdict").textContent = "";
  try {
    const report = await ask("verify", { device, precision: byId("precision").value }, ({ done, all, operation }) => {
      byId("progress").value = done / all;
      byId("verdict").textContent = `${done} of ${all} cases`;
      const row = document.createElement("tr");
      const values = [operation.operation, operation.cases, scientific(operation.largest_absolute),
        scientific(operation.largest_relative), operation.passed ? "pass" : "FAIL"];
      for (const value of values) row.appendChild(document.createElement("td")).textContent = value;
      if (operation.passed) rows.append(row);
      else {
        row.className = "problem";
        rows.prepend(row);
      }
    });
    const cases = report.devices[0].operations.reduce((sum, operation) => sum + operation.cases, 0);
    const worst = Math.max(...report.devices[0].operations.map((operation) => operation.largest_relative));
    byId("verdict").textContent =
      `${report.passed ? "pass" : "FAIL"}: ${cases} cases on ${report.devices[0].device}; the largest error is ${scientific(worst)}`;
    report.browser = navigator.userAgent;
    byId("save").href = URL.createObjectURL(new Blob([JSON.stringify(report, null, 1)], { type: "application/json" }));
    byId("save").hidden = false;
  } catch (error) {
    byId("verdict").textContent = error.message;
  }
  byId("progress").hidden = true;
  byId("verify").disabled = false;
});

// ---- begin

start();
const cached = "serviceWorker" in navigator ? navigator.serviceWorker.register("./offline.js").catch(() => null) : null;
await reopen();
const [adapter] = await ask("adapters").catch(() => []);
byId("adapter").textContent = adapter
  ? ["WebGPU", adapter.name, ...adapter.features, ...adapter.limits.map(([name, value]) => `${name} ${value}`)].join(" · ")
  : "This browser offers no WebGPU: the CPU computes, in WebAssembly.";
await cached;
