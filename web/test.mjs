// Drives the page in Chromium, on the CPU and on WebGPU in software, and the npm package in Node.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const { chromium } = await import(process.env.PLAYWRIGHT);

const here = fileURLToPath(new URL(".", import.meta.url));
const screenshots = join(here, "../target/web/screenshots");
mkdirSync(screenshots, { recursive: true });

const ATTENTION = "AH T EH N SH AH N";
const FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan"];

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

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
const server = spawn(join(here, "serve"), [String(port)], { stdio: "ignore", detached: true });
const address = `http://localhost:${port}/`;
for (let tries = 0; tries < 100; tries += 1) {
  if (await fetch(address).then((answer) => answer.ok, () => false)) break;
  await new Promise((resolve) => setTimeout(resolve, 100));
}

const profile = mkdtempSync(join(tmpdir(), "seq2seq-web-"));
const context = await chromium.launchPersistentContext(profile,
  { executablePath: "/usr/bin/chromium", headless: true, args: FLAGS, viewport: { width: 1000, height: 900 } });
const page = await context.newPage();
const elsewhere = [], complaints = [];
page.on("request", (request) => { if (!/^(http:\/\/localhost:|data:|blob:)/.test(request.url())) elsewhere.push(request.url()); });
page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
page.on("pageerror", (error) => complaints.push(error.message));

const answer = async (expected, timeout = 60_000) =>
  page.waitForFunction((text) => document.getElementById("answer").textContent === text, expected, { timeout });

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
  await answer("K ER N AH L");
  await page.fill("#word", "x+y");
  await page.waitForFunction(() => document.getElementById("answer").textContent.includes('no symbol for "+"'));
  await page.fill("#word", "attention");
  await answer(ATTENTION);
});

await test("the words of a text", async () => {
  await page.fill("#text", "It's a cat, 7 times");
  await page.waitForFunction(() => document.querySelectorAll("#text-answer span").length === 5);
  const words = await page.locator("#text-answer span").allTextContents();
  assert.ok(words[0].startsWith("IH T S") && words[2].startsWith("K AE T"), words.join("|"));
});

await test("the main thread is never kept waiting", async () => {
  const longest = await page.evaluate(async () => {
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
  await answer("R IY D");
  await page.waitForFunction(() => document.getElementById("trouble").hidden);
});

await test("a zip of a model's folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "seq2seq-zip-"));
  cpSync(join(here, "dist/model"), join(folder, "mine"), { recursive: true });
  const zip = join(folder, "mine.zip");
  execFileSync("python3", ["-c", "import shutil, sys; shutil.make_archive(sys.argv[1][:-4], 'zip', sys.argv[2], 'mine')", zip, folder]);
  await page.setInputFiles("#files", [zip]);
  await page.fill("#word", "dog");
  await answer("D AO G");
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

await test("every control has a name and is reached by the keyboard", async () => {
  const unnamed = await page.evaluate(() => [...document.querySelectorAll("input, select, textarea, button")]
    .filter((one) => !one.hidden && !one.labels?.length && !one.textContent && !one.ariaLabel).map((one) => one.outerHTML));
  assert.deepEqual(unnamed, []);
  await page.focus("#word");
  const reached = new Set();
  for (let keys = 0; keys < 20; keys += 1) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.className));
  }
  for (const id of ["where", "precision", "beam", "cells", "text", "verify"]) assert.ok(reached.has(id), `${id} of ${[...reached]}`);
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
  await page.click("#verify");
  await page.waitForFunction(() => /^(pass|FAIL)/.test(document.getElementById("verdict").textContent), null, { timeout: 600_000 });
  const verdict = await page.textContent("#verdict");
  assert.match(verdict, /^pass/);
  return verdict;
});

await test("a word on WebGPU", async () => {
  await page.selectOption("#where", "webgpu");
  await page.waitForFunction(() => document.getElementById("device").textContent.startsWith("GPU"), null, { timeout: 120_000 });
  await page.fill("#word", "colonel");
  await answer("K ER N AH L", 180_000);
  const began = Date.now();
  await page.fill("#word", "attention");
  await answer(ATTENTION, 180_000);
  return `${await page.textContent("#device")}; a second word in ${Date.now() - began} ms`;
});

await test("verify on WebGPU", async () => {
  await page.click("#verify");
  await page.waitForFunction(() => /^(pass|FAIL)/.test(document.getElementById("verdict").textContent), null, { timeout: 1_500_000 });
  await page.screenshot({ path: join(screenshots, "verify.png"), fullPage: true });
  const verdict = await page.textContent("#verdict");
  const failures = await page.locator("#operations tr.problem").allTextContents();
  assert.match(verdict, /^pass/, failures.join("; "));
  return verdict;
});

await test("nothing complained", async () => {
  // What a page without a network says of it is not of interest.
  assert.deepEqual(complaints.filter((text) => !/ERR_INTERNET_DISCONNECTED|Failed to fetch/.test(text)), []);
});

await context.close();
process.kill(-server.pid);
rmSync(profile, { recursive: true, force: true });

await test("the npm package, packed, in Node", async () => {
  const folder = mkdtempSync(join(tmpdir(), "seq2seq-npm-"));
  const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: join(here, "npm/dist") }).toString().trim();
  execFileSync("npm", ["install", "--silent", "--no-fund", "--no-audit", join(folder, packed)], { cwd: folder });
  cpSync(join(here, "dist/model"), join(folder, "model"), { recursive: true });
  writeFileSync(join(folder, "use.mjs"), `
    import { Translator } from "seq2seq-wgpu";
    const translator = await Translator.open({ model: ${JSON.stringify(pathToFileURL(join(folder, "model")).href)} });
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
  rmSync(folder, { recursive: true, force: true });
  return `${packed}, ${device}`;
});

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
