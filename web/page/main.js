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

const onCpu = (why) => `${why.replace(/\.?$/, ".")} The CPU computes.`;

// ---- the model and its device

let model = new URL(OURS, location.href).href;
let opened = null;

async function open(device = byId("where").value) {
  byId("device").textContent = "…";
  const files = model;
  opened = ask("open", { model: files, device, precision: byId("precision").value });
  const { device: found, why } = await opened;
  byId("device").textContent = found;
  trouble(why && onCpu(why));
}

// What goes wrong on a GPU is said, and typing goes on on the CPU.
async function orOnCpu(work) {
  try {
    return await work();
  } catch (error) {
    if (!byId("device").textContent.startsWith("GPU")) throw error;
    await open("cpu");
    trouble(onCpu(error.message));
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

// The last that is asked for is what stays open: one waits for another.
let turn = Promise.resolve();
const inTurn = (work) => (turn = turn.catch(() => null).then(work));

// Opens what `opening` does, and translates again.
async function change(opening) {
  try {
    await inTurn(opening);
    await Promise.all([translateWord(), translateText()]);
  } catch (error) {
    trouble(error.message);
  }
}

const reopen = () => change(() => open());

byId("word").addEventListener("input", translateWord);
byId("beam").addEventListener("input", translateWord);
byId("text").addEventListener("input", translateText);
byId("where").addEventListener("change", reopen);
byId("precision").addEventListener("change", reopen);
byId("controls").addEventListener("submit", (event) => event.preventDefault());

// ---- another model, from files

const take = (files) => change(async () => {
  const before = model;
  try {
    model = await modelFrom(await files);
    await open();
  } catch (error) {
    model = before;
    await open();
    throw error;
  }
});

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

// ---- what takes long: verifying and measuring

const scientific = (number) => number.toExponential(1);
const three = (number) => Number(number.toPrecision(3)).toLocaleString("en");
const share = (part) => (part === null ? "" : `${Math.round(100 * part)} %`);
const duration = (seconds) => {
  if (seconds === null) return "";
  const [factor, unit] = seconds < 1e-3 ? [1e6, "µs"] : seconds < 1 ? [1e3, "ms"] : [1, "s"];
  return `${three(seconds * factor)} ${unit}`;
};

// Lets a section run what it is named after: `row` is what its table says of a progress, `verdict` what is said of the
// report, which can be saved; `options` is what it is asked beside. One runs at a time.
function offer(name, { options = () => ({}), row, verdict }) {
  const part = (selector) => byId(name).querySelector(selector);
  const [button, save, label, said, scroll, rows] = ["button", "a", "label:has(progress)", ".verdict", ".scroll", "tbody"].map(part);
  button.addEventListener("click", async () => {
    const buttons = document.querySelectorAll("section button");
    const device = byId("where").value === "cpu" || !byId("device").textContent.startsWith("GPU") ? "cpu" : "webgpu";
    for (const one of buttons) one.disabled = true;
    save.hidden = true;
    label.hidden = scroll.hidden = false;
    label.firstChild.textContent = said.textContent = "";
    label.lastChild.value = 0;
    rows.replaceChildren();
    try {
      const report = await ask(name, { device, precision: byId("precision").value, ...options() }, (progress) => {
        label.lastChild.value = progress.done / progress.all;
        label.firstChild.textContent = `${progress.done} of ${progress.all} cases`;
        const { values, problem } = row(progress);
        const line = document.createElement("tr");
        for (const value of values) line.appendChild(document.createElement("td")).textContent = value;
        line.classList.toggle("problem", Boolean(problem));
        if (problem) rows.prepend(line);
        else rows.append(line);
      });
      said.textContent = verdict(report);
      report.browser = navigator.userAgent;
      save.href = URL.createObjectURL(new Blob([JSON.stringify(report, null, 1)], { type: "application/json" }));
      save.hidden = false;
    } catch (error) {
      said.textContent = error.message;
    }
    label.hidden = true;
    for (const one of buttons) one.disabled = false;
  });
}

offer("verify", {
  options: () => ({ everyForm: byId("every-form").checked }),
  row: ({ operation }) => ({
    values: [operation.form ? `${operation.operation}: ${operation.form}` : operation.operation, operation.cases, scientific(operation.largest_absolute),
      scientific(operation.largest_relative), operation.passed ? "pass" : "FAIL"],
    problem: !operation.passed,
  }),
  verdict: ({ passed, devices }) => {
    const device = devices.length > 1 ? `a GPU, in ${devices.length} forms` : devices[0].device;
    const operations = devices.flatMap((one) => one.operations);
    const cases = operations.reduce((sum, operation) => sum + operation.cases, 0);
    const worst = Math.max(...operations.map((operation) => operation.largest_relative));
    return `${passed ? "pass" : "FAIL"}: ${cases} cases on ${device}; the largest error is ${scientific(worst)}`;
  },
});

offer("bench", {
  options: () => ({ case: byId("case").value.trim() }),
  row: ({ row }) => ({
    values: [row.case, duration(row.median_s), duration(row.device_s), `${three(row.rate)} ${row.unit}`,
      share(row.share_of_bandwidth), share(row.share_of_flops), duration(row.cpu_median_s)],
  }),
  verdict: ({ device, peaks, clock_resolution_s: step }) =>
    `${device}: copies ${three(peaks.copy_bytes_per_s / 1e9)} GB/s, multiplies and adds ${three(peaks.flops / 1e9)} GFLOP/s; ` +
    `the browser's clock has steps of ${duration(step)}`,
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
