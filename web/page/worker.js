// All computing happens here, so that the page is never kept waiting. A message asks for one thing, and gets one answer.

import { Translator, adapters, bench, modelFiles, verify } from "./index.js";

let translator = null;

const METHODS = {
  /** Opens a model on a device; on the CPU, and says why, where WebGPU does not open. */
  async open({ model, device, precision }) {
    const files = await modelFiles(model);
    let why = null;
    const opened = await Translator.open({ model: files, device, precision }).catch((error) => {
      if (device === "cpu") throw error;
      why = error.message;
      return Translator.open({ model: files, device: "cpu" });
    });
    translator?.close();
    translator = opened;
    return { device: translator.device, why };
  },
  translate: ({ sources, options }) => translator.translate(sources, options),
  verify: (options, tell) => verify({ ...options, progress: tell }),
  bench: (options, tell) => bench({ ...options, progress: tell }),
  adapters: () => adapters(),
};

addEventListener("message", async ({ data: { id, method, args } }) => {
  try {
    const value = await METHODS[method](args ?? {}, (progress) => postMessage({ id, progress }));
    postMessage({ id, value });
  } catch (error) {
    postMessage({ id, error: error?.message ?? String(error) });
  }
});
