// Drives the page in Chromium, on the CPU and on WebGPU in software, and the npm package in Node.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const TOOLS = process.env.TOOLS;
const { chromium } = await import(join(TOOLS, "playwright-core/index.mjs"));

const here = fileURLToPath(new URL(".", import.meta.url));
const screenshots = join(here, "../target/web/screenshots");
mkdirSync(screenshots, { recursive: true });

const ATTENTION = "AH0 T EH1 N SH AH0 N";
const FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan", "--disable-gpu-watchdog"];
const BROWSER = { executablePath: "/usr/bin/chromium", headless: true, args: FLAGS, timeout: 120_000 };

let passed = 0, failed = 0;

async function test(name, work) {
  const began = Date.now();
  try {
    const said = await work();
    passed += 1;
    console.log(`pass  ${name}${said ? `: ${said}` : ""} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}: ${error.stack ?? error}`);
  }
}

// A server of files, on a port that was free.
async function serve(command, args) {
  const port = await new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(String(port)));
    });
  });
  const server = spawn(command, [...args, port], { stdio: "ignore", detached: true });
  const address = `http://localhost:${port}/`;
  for (let tries = 0; !await fetch(address).then((answer) => answer.ok, () => false); tries += 1) {
    if (tries === 600) throw new Error(`${command} does not answer at ${address}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { address, stop: () => process.kill(-server.pid) };
}

const server = await serve(join(here, "serve"), []);
const { address } = server;

const profile = mkdtempSync(join(tmpdir(), "seq2seq-web-"));
const context = await chromium.launchPersistentContext(profile,
  { ...BROWSER, viewport: { width: 1000, height: 900 } });
const page = await context.newPage();
const elsewhere = [], complaints = [];
page.on("request", (request) => { if (!/^(http:\/\/localhost:|data:|blob:)/.test(request.url())) elsewhere.push(request.url()); });
page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
page.on("pageerror", (error) => complaints.push(error.message));

const answer = async (expected, timeout = 60_000, on = page) =>
  on.waitForFunction((text) => document.getElementById("answer").textContent === text, expected, { timeout });

// Has a section of the page do what takes long; its verdict.
async function verdict(section, timeout) {
  await page.click(`#${section} button`);
  await page.waitForSelector(`#${section} button:disabled`);
  await page.waitForSelector(`#${section} button:enabled`, { timeout });
  return page.textContent(`#${section} .verdict`);
}

async function bench(cases, beside) {
  const said = await verdict("bench", 600_000);
  assert.match(said, /copies .* GB\/s, multiplies and adds .* GFLOP\/s; the browser's clock has steps of/);
  const report = JSON.parse(await page.evaluate(async () => (await fetch(document.querySelector("#bench a").href)).text()));
  assert.ok(report.rows.length === cases && report.browser && report.clock_resolution_s > 0, JSON.stringify(report));
  assert.equal(await page.locator("#bench tbody tr").count(), report.rows.length);
  for (const row of report.rows) {
    assert.ok(row.min_s > 0 && row.min_s <= row.median_s && row.median_s <= row.max_s && row.n >= 5, JSON.stringify(row));
    assert.ok(row.rate > 0 && Boolean(row.cpu_median_s) === beside, JSON.stringify(row));
  }
  writeFileSync(join(screenshots, `bench-${beside ? "webgpu" : "cpu"}.json`), JSON.stringify(report, null, 1));
  return said;
}

await test("a word on the CPU, its five best and what they attended to", async () => {
  await page.goto(address);
  await answer(ATTENTION);
  assert.match(await page.textContent("#device"), /^CPU/);
  assert.equal(await page.locator("#hypotheses tbody tr").count(), 5);
  await page.waitForSelector("#hypotheses canvas");
  const size = await page.locator("#hypotheses canvas").first().evaluate((canvas) => [canvas.width, canvas.height]);
  assert.deepEqual(size, [9, 7]);
});

await test("every key is answered, and the last word counts", async () => {
  await page.fill("#word", "");
  await page.type("#word", "colonel", { delay: 15 });
  await answer("K ER1 N AH0 L");
  await page.fill("#word", "x+y");
  await page.waitForFunction(() => document.getElementById("answer").textContent.includes('no symbol for "+"'));
  await page.fill("#word", "attention");
  await answer(ATTENTION);
});

await test("the words of a text", async () => {
  await page.fill("#text", "It's a cat, 7 times");
  await page.waitForFunction(() => document.querySelectorAll("#text-answer span").length === 5);
  const words = await page.locator("#text-answer span").allTextContents();
  assert.ok(words[0].startsWith("IH1 T S") && words[2].startsWith("K AE1 T"), words.join("|"));
});

await test("the main thread is never kept waiting", async () => {
  const measure = () => page.evaluate(async () => {
    let longest = 0;
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) longest = Math.max(longest, entry.duration);
    });
    observer.observe({ entryTypes: ["longtask"] });
    const word = document.getElementById("word");
    for (const text of ["attention", "hippopotamus", "encyclopedia", "a"]) {
      word.value = text;
      word.dispatchEvent(new Event("input"));
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    return longest;
  });
  // A machine that computes beside it holds a page up now and then; a page that blocks does so each time.
  let longest = await measure();
  for (let again = 0; again < 2 && longest >= 50; again += 1) longest = await measure();
  assert.ok(longest < 50, `a task of ${longest} ms`);
  return `the longest task took ${longest < 50 ? "less than 50" : longest} ms`;
});

await test("files that are no model are named, and the model stays", async () => {
  const config = readFileSync(join(here, "dist/model/config.json"), "utf8").replace('"lstm"', '"gru"');
  const file = (name, buffer) => ({ name, mimeType: "application/octet-stream", buffer });
  const read = (name) => readFileSync(join(here, "dist/model", name));
  await page.setInputFiles("#files", [file("config.json", Buffer.from(config)), file("model.safetensors", read("model.safetensors"))]);
  await page.waitForFunction(() => document.getElementById("trouble").textContent.includes("tensor"));
  await page.setInputFiles("#files", ["config.json", "model.safetensors", "source_tokenizer.json", "target_tokenizer.json"]
    .map((name) => file(name, read(name))));
  await page.fill("#word", "read");
  await answer("R IY1 D");
  await page.waitForFunction(() => document.getElementById("trouble").hidden);
});

await test("a zip of a model's folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "seq2seq-zip-"));
  cpSync(join(here, "dist/model"), join(folder, "mine"), { recursive: true });
  const zip = join(folder, "mine.zip");
  execFileSync("python3", ["-c", "import shutil, sys; shutil.make_archive(sys.argv[1][:-4], 'zip', sys.argv[2], 'mine')", zip, folder]);
  await page.setInputFiles("#files", [zip]);
  await page.fill("#word", "dog");
  await answer("D AO1 G");
  writeFileSync(join(folder, "cut.zip"), readFileSync(zip).subarray(0, 1000));
  await page.setInputFiles("#files", [join(folder, "cut.zip")]);
  await page.waitForFunction(() => document.getElementById("trouble").textContent === "cut.zip: is no zip");
  await page.setInputFiles("#files", [zip]);
  await page.waitForFunction(() => document.getElementById("trouble").hidden);
  rmSync(folder, { recursive: true, force: true });
});

await test("a page with a phone's width, in the dark, needs no sideways scrolling", async () => {
  await page.fill("#word", "attention");
  await answer(ATTENTION);
  await page.fill("#text", "");
  await page.screenshot({ path: join(screenshots, "light.png") });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 360, height: 760 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await page.screenshot({ path: join(screenshots, "phone.png"), fullPage: true });
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1000, height: 900 });
  assert.ok(wide <= 0, `${wide} pixels too wide`);
});

await test("the tree that a screen reader has: names, landmarks, live regions", async () => {
  const tree = await page.locator("body").ariaSnapshot();
  for (const part of ['banner', 'main', 'contentinfo', 'region "Translate"', 'region "Verify"', 'region "Bench"', 'heading "Bench" [level=2]',
    'textbox "Word"', 'combobox "Device"', 'combobox "Precision"', 'spinbutton "Beam"', 'textbox "Text"', 'button "choose its files"',
    'button "Check this device"', 'button "Measure this device"', 'textbox "Only cases with"', 'radio', 'table']) {
    assert.ok(tree.includes(part), `${part} is missing in\n${tree}`);
  }
  const live = await page.locator("[aria-live], [role=alert], output").evaluateAll((all) => all.map((one) => one.id || one.className));
  assert.deepEqual(live, ["answer", "text-answer", "verdict", "verdict", "trouble", "spoken"]);
});

await test("the keyboard reaches every control", async () => {
  await page.focus("#word");
  const reached = new Set();
  for (let keys = 0; keys < 24; keys += 1) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => {
      const { id, className, textContent } = document.activeElement;
      return id || className || textContent;
    }));
  }
  for (const id of ["where", "precision", "beam", "cells", "text", "files", "Check this device", "Measure this device", "case"]) {
    assert.ok(reached.has(id), `${id} of ${[...reached]}`);
  }
});

await test("once it was loaded it works offline, and asks nobody else", async () => {
  await page.reload();
  await answer(ATTENTION);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.reload();
  await answer(ATTENTION);
  await context.setOffline(true);
  const began = Date.now();
  await page.reload();
  await answer(ATTENTION);
  const first = Date.now() - began;
  await context.setOffline(false);
  assert.deepEqual(elsewhere, []);
  return `the first answer came after ${first} ms`;
});

await test("verify on the CPU", async () => {
  await page.selectOption("#where", "cpu");
  const said = await verdict("verify", 600_000);
  assert.match(said, /^pass/);
  return said;
});

await test("bench on the CPU", () => bench(26, false));

await test("a word on WebGPU", async () => {
  await page.selectOption("#where", "webgpu");
  await page.waitForFunction(() => document.getElementById("device").textContent.startsWith("GPU"), null, { timeout: 120_000 });
  await page.fill("#word", "colonel");
  await answer("K ER1 N AH0 L", 180_000);
  const began = Date.now();
  await page.fill("#word", "attention");
  await answer(ATTENTION, 180_000);
  return `${await page.textContent("#device")}; a second word in ${Date.now() - began} ms`;
});

await test("verify on WebGPU", async () => {
  // Every form takes ten times as long, in software half an hour.
  await page.setChecked("#every-form", Boolean(process.env.SEQ2SEQ_EVERY_FORM));
  const said = await verdict("verify", 3_600_000);
  const report = JSON.parse(await page.evaluate(async () => (await fetch(document.querySelector("#verify a").href)).text()));
  const failures = report.devices.flatMap(({ device, operations }) => operations.flatMap(({ failed }) =>
    failed.slice(0, 1).map((one) => `${device}: ${one.operation}, ${one.case}: ${one.error ?? "wrong"}`)));
  assert.match(said, /^pass/, failures.slice(0, 9).join("\n"));
  return said;
});

await test("bench on WebGPU, with the CPU beside it", async () => {
  // All of them take minutes in software.
  await page.fill("#case", "linear");
  const said = await bench(3, true);
  await page.screenshot({ path: join(screenshots, "long.png"), fullPage: true });
  return said;
});

await test("nothing complained", async () => {
  // What a page without a network says of it is not of interest.
  assert.deepEqual(complaints.filter((text) => !/ERR_INTERNET_DISCONNECTED|Failed to fetch/.test(text)), []);
});

await context.close();
rmSync(profile, { recursive: true, force: true });

// Pages whose workers find something missing or broken.
const browser = await chromium.launch(BROWSER);

async function broken(fault, work) {
  const context = await browser.newContext({ serviceWorkers: "block" });
  const page = await context.newPage();
  const worker = readFileSync(join(here, "page/worker.js"), "utf8");
  await page.route("**/worker.js", (route) => route.fulfill({ contentType: "text/javascript", body: worker + fault }));
  await page.goto(address);
  await work(page);
  await context.close();
}

// Typing goes on, on the CPU, and the page has said why.
async function goesOn(page, why) {
  await page.waitForFunction((why) => document.getElementById("trouble").textContent.includes(why), why);
  assert.match(await page.textContent("#device"), /^CPU/);
  await page.fill("#word", "colonel");
  await answer("K ER1 N AH0 L", 60_000, page);
  const said = await page.textContent("#trouble");
  assert.ok(said.includes(why) && /[^.]\. The CPU computes\.$/.test(said), said);
  return said;
}

const KEEP_DEVICE = `
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...wanted) { return self.device = await request.apply(this, wanted); };`;

const FAULTS = {
  "a refused adapter": ["navigator.gpu.requestAdapter = async () => null;", null, "there is no WebGPU here"],
  "a device that is refused": [
    "GPUAdapter.prototype.requestDevice = async () => { throw new DOMException('not today', 'OperationError'); };", null, "not today"],
  "a lost device": [KEEP_DEVICE, () => self.device.destroy(), "lost"],
  "a GPU that runs out of memory": [KEEP_DEVICE,
    () => self.device.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error: new GPUOutOfMemoryError("no room") })),
    "out of memory"],
};
for (const [name, [fault, breaks, why]] of Object.entries(FAULTS)) {
  await test(name, () => broken(fault, async (page) => {
    await answer(ATTENTION, 60_000, page);
    await page.selectOption("#where", "webgpu");
    if (breaks) {
      await page.waitForFunction(() => document.getElementById("device").textContent.startsWith("GPU"), null, { timeout: 120_000 });
      await page.fill("#word", "dog");
      await answer("D AO1 G", 180_000, page);
      await page.workers()[0].evaluate(breaks);
      await page.fill("#word", "a");
    }
    return goesOn(page, why);
  }));
}

await test("a browser without vectors is told so", () => broken("WebAssembly.validate = () => false;", async (page) => {
  await page.waitForFunction(() => document.getElementById("trouble").textContent.includes("simd128"));
}));

await browser.close();
server.stop();

// The package as it is packed, installed, with a model beside.
const folder = mkdtempSync(join(tmpdir(), "seq2seq-npm-"));
const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: join(here, "npm/dist") }).toString().trim();
execFileSync("npm", ["install", "--silent", "--no-fund", "--no-audit", join(folder, packed)], { cwd: folder });
cpSync(join(here, "dist/model"), join(folder, "g2p-en"), { recursive: true });
const [, example] = /```js\n(.*?)```/s.exec(readFileSync(join(here, "npm/README.md"), "utf8"));
const spelled = (lines) => {
  assert.match(lines[0], new RegExp(`^${ATTENTION} -\\d`));
  assert.equal(lines.length, 3, lines.join("\n"));
};

await test("the package's example, as README has it, in Node", async () => {
  writeFileSync(join(folder, "example.mjs"), example);
  spelled(execFileSync("node", ["example.mjs"], { cwd: folder }).toString().trim().split("\n"));
  return packed;
});

await test("the package's example in a page, on WebGPU", async () => {
  const server = await serve("python3", ["-m", "http.server", "--bind", "127.0.0.1", "--directory", folder]);
  const browser = await chromium.launch(BROWSER);
  writeFileSync(join(folder, "webgpu.mjs"), `${example.replace('"auto"', '"webgpu"')}\nconsole.log("done");`);
  writeFileSync(join(folder, "index.html"), `<!DOCTYPE html><link rel="icon" href="data:,">
    <script type="importmap">{ "imports": { "seq2seq-wgpu": "./node_modules/seq2seq-wgpu/index.js" } }</script>
    <script type="module" src="webgpu.mjs"></script>`);
  const page = await browser.newPage(), lines = [];
  page.on("console", (message) => lines.push(message.text()));
  page.on("pageerror", (error) => lines.push(error.message));
  await page.goto(server.address);
  for (let tries = 0; tries < 1200 && lines.at(-1) !== "done"; tries += 1) await new Promise((resolve) => setTimeout(resolve, 100));
  await browser.close();
  server.stop();
  assert.equal(lines.pop(), "done", lines.join("\n"));
  spelled(lines);
});

await test("the package's types, strictly, and its example by them", async () => {
  writeFileSync(join(folder, "example.mts"), example);
  writeFileSync(join(folder, "uses.mts"), `
    import { Translator, adapters, bench, verify } from "seq2seq-wgpu";
    const translator: Translator = await Translator.open({ model: "https://example.org/g2p-en", device: "webgpu", precision: "f16" });
    const [answer] = await translator.translate(["a"], { beam: 2, lengthPenalty: "wu:0.6", coveragePenalty: 0.1, maxLength: "3x" });
    const weights: number[][] | undefined = answer?.alignment;
    const { passed } = await verify({ device: "cpu", progress: ({ operation }) => console.log(operation.passed) });
    const { peaks, rows } = await bench({ progress: ({ row }) => console.log(row.case, row.median_s) });
    console.log(weights, passed, peaks.flops, rows.length, await adapters());
    // @ts-expect-error there is no such option
    await translator.translate(["a"], { beams: 2 });`);
  execFileSync("node", [join(TOOLS, "typescript/bin/tsc"), "--strict", "--noEmit", "--target", "es2022", "--module", "nodenext",
    "--lib", "es2022,dom", "example.mts", "uses.mts"], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
});

await test("the package says what is wrong with a source, and with an option", async () => {
  writeFileSync(join(folder, "use.mjs"), `
    import { Translator } from "seq2seq-wgpu";
    const translator = await Translator.open({ model: new URL("g2p-en/", import.meta.url).href });
    const answers = await translator.translate(["attention", "x+y"], { beam: 5, nBest: 2, alignment: true });
    console.log(JSON.stringify([translator.device, answers]));
    await translator.translate(["a"], { beams: 5 }).catch((error) => console.log(error.message));
    translator.close();`);
  const [first, second] = execFileSync("node", ["use.mjs"], { cwd: folder }).toString().trim().split("\n");
  const [device, [answer, wrong]] = JSON.parse(first);
  assert.match(device, /^CPU/);
  assert.equal(answer.text, ATTENTION);
  assert.equal(answer.others.length, 1);
  assert.deepEqual([answer.alignment.length, answer.alignment[0].length], [7, 9]);
  assert.match(wrong.error, /no symbol for "\+"/);
  assert.match(second, /beams/);
  return device;
});

rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
