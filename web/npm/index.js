// A translator for JavaScript, in a browser or in Node. What computes is WebAssembly; see index.d.ts for the types.

import init, * as wasm from "./wasm/seq2seq.js";

const FILES = ["config.json", "model.safetensors", "source_tokenizer.json", "target_tokenizer.json"];
const OPTIONAL = new Set(["source_tokenizer.json", "target_tokenizer.json"]);

// A module with the smallest use of a vector: what cannot compile it cannot run ours.
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

let loaded = null;

/** Fetches and compiles the module, once. */
export function load() {
  loaded ??= (async () => {
    if (!WebAssembly.validate(new Uint8Array(SIMD))) {
      throw new Error("this browser lacks WebAssembly's vector instructions (simd128)");
    }
    const place = new URL("./wasm/seq2seq_bg.wasm", import.meta.url);
    await init({ module_or_path: place.protocol === "file:" ? await readFile(place) : place });
  })();
  return loaded;
}

/** Whether there is WebGPU to ask for. */
export async function hasWebGpu() {
  return Boolean(globalThis.navigator?.gpu && await globalThis.navigator.gpu.requestAdapter().catch(() => null));
}

/** The files of a model: those of a folder's address, or those that are given. */
export async function modelFiles(model) {
  if (typeof model !== "string" && !(model instanceof URL)) {
    const missing = FILES.filter((name) => !OPTIONAL.has(name) && !model[name]);
    if (missing.length > 0) throw new Error(`a model needs ${missing.join(" and ")}`);
    return model;
  }
  const base = new URL(String(model).replace(/\/*$/, "/"), globalThis.location?.href ?? import.meta.url);
  const found = await Promise.all(FILES.map(async (name) => {
    const place = new URL(name, base);
    if (place.protocol === "file:") return [name, await readFile(place, OPTIONAL.has(name))];
    const answer = await fetch(place);
    if (answer.status === 404 && OPTIONAL.has(name)) return [name, undefined];
    if (!answer.ok) throw new Error(`${place}: ${answer.status} ${answer.statusText}`);
    return [name, new Uint8Array(await answer.arrayBuffer())];
  }));
  return Object.fromEntries(found.filter(([, bytes]) => bytes));
}

async function readFile(place, optional = false) {
  const { readFile } = await import("node:fs/promises");
  return readFile(place).catch((error) => {
    if (optional && error.code === "ENOENT") return undefined;
    throw error;
  });
}

/** A model on a device. */
export class Translator {
  #session;

  constructor(session) {
    this.#session = session;
  }

  static async open({ model, device = "auto", precision = "f32" }) {
    const [files] = await Promise.all([modelFiles(model), load()]);
    if (!["auto", "webgpu", "cpu"].includes(device)) {
      throw new Error(`device: expected "auto", "webgpu" or "cpu", found ${JSON.stringify(device)}`);
    }
    const gpu = device !== "cpu" && await hasWebGpu();
    if (device === "webgpu" && !gpu) throw new Error("there is no WebGPU here");
    const [config, weights, source, target] = FILES.map((name) => files[name]);
    const where = gpu ? (device === "webgpu" ? "gpu" : "auto") : "cpu";
    return new Translator(await wasm.Session.open(config, weights, source, target, where, precision));
  }

  get device() {
    return this.#session.device;
  }

  async translate(sources, options = {}) {
    return JSON.parse(await this.#session.translate(sources, JSON.stringify(options)));
  }

  close() {
    this.#session.free();
  }
}

/**
 * Checks every operation of a device against the CPU in 64 bits, with `everyForm` also in forms that a GPU's computations would
 * not have by themselves; the answer is that of `seq2seq verify --json`.
 */
export async function verify({ device = "webgpu", precision = "f32", everyForm = false, progress = () => {} } = {}) {
  await load();
  const told = (done, all, operation) => progress({ done, all, operation: JSON.parse(operation) });
  return JSON.parse(await wasm.verify(device === "webgpu" ? "gpu" : device, precision, everyForm, told));
}

/** Measures how fast a device computes, and the CPU beside a GPU; the answer is that of `seq2seq bench --json`. */
export async function bench({ device = "webgpu", precision = "f32", case: part = "", progress = () => {} } = {}) {
  await load();
  const told = (done, all, row) => progress({ done, all, row: JSON.parse(row) });
  return JSON.parse(await wasm.bench(device === "webgpu" ? "gpu" : device, precision, part, told));
}

/** The adapters that the browser offers, with their features and limits. */
export async function adapters() {
  await load();
  return await hasWebGpu() ? JSON.parse(await wasm.adapters()) : [];
}
