// The files of a model, from what is dropped or chosen: files, a folder, or a zip of either.

const NAMES = ["config.json", "model.safetensors", "source_tokenizer.json", "target_tokenizer.json"];
const MOST_BYTES = 2 ** 31;

/** The model's files by name, wherever they lie among these. */
export async function modelFrom(files) {
  const found = {};
  for (const file of files) {
    const all = /\.zip$/i.test(file.name) ? await unzip(file) : [[file.name, async () => new Uint8Array(await file.arrayBuffer())]];
    for (const [path, read] of all) {
      const name = path.split("/").pop();
      if (!NAMES.includes(name)) continue;
      if (found[name]) throw new Error(`${path}: there are two files ${name}`);
      found[name] = await read();
    }
  }
  if (Object.keys(found).length === 0) throw new Error(`expected ${NAMES.join(", ")}, found ${files.length} other files`);
  return found;
}

/** All files of what was dropped, those in folders too. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader(), all = [];
  for (;;) {
    // A reader gives a hundred at a time.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    all.push(...some);
  }
  return (await Promise.all(all.map(filesOf))).flat();
}

// The files of a zip, by its directory at the end (PKWARE's APPNOTE 6.3, §4.3): stored, or deflated as browsers inflate.
async function unzip(file) {
  const bad = (reason) => new Error(`${file.name}: ${reason}`);
  const view = async (from, to) => new DataView(await file.slice(from, to).arrayBuffer());
  const tail = await view(Math.max(0, file.size - 65_557), file.size);
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < 0) throw bad("is no zip");
  const count = tail.getUint16(end + 10, true), begin = tail.getUint32(end + 16, true);
  const directory = await view(begin, begin + tail.getUint32(end + 12, true));
  const files = [];
  for (let at = 0, left = count; left > 0; left -= 1) {
    if (at + 46 > directory.byteLength || directory.getUint32(at, true) !== 0x02014b50) throw bad("its directory is broken");
    const number = (place) => directory.getUint32(at + place, true), short = (place) => directory.getUint16(at + place, true);
    const [method, packed, size, local] = [short(10), number(20), number(24), number(42)];
    const path = new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, short(28)));
    files.push([path, async () => {
      if (size > MOST_BYTES) throw bad(`${path} has ${size} bytes`);
      const header = await view(local, local + 30);
      const from = local + 30 + header.getUint16(26, true) + header.getUint16(28, true);
      const content = file.slice(from, from + packed);
      if (method !== 0 && method !== 8) throw bad(`${path}: packed by method ${method}, expected 0 or 8`);
      const stream = method === 0 ? content.stream() : content.stream().pipeThrough(new DecompressionStream("deflate-raw"));
      const bytes = new Uint8Array(size);
      let filled = 0;
      // No more than what it says it has: a small file may claim little and hold much.
      for await (const chunk of chunks(stream)) {
        if (filled + chunk.length > size) throw bad(`${path} is larger than it says`);
        bytes.set(chunk, filled);
        filled += chunk.length;
      }
      if (filled !== size) throw bad(`${path} is smaller than it says`);
      return bytes;
    }]);
    at += 46 + short(28) + short(30) + short(32);
  }
  return files;
}

async function* chunks(stream) {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
