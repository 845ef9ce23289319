/** The files of a model, by the names that they have in its folder. */
export interface ModelFiles {
  "config.json": Uint8Array;
  "model.safetensors": Uint8Array;
  "source_tokenizer.json"?: Uint8Array;
  "target_tokenizer.json"?: Uint8Array;
}

export interface OpenOptions {
  /** The address of a model's folder, or its files. */
  model: string | URL | ModelFiles;
  /** Where to compute: WebGPU where there is hardware for it, otherwise the CPU (the default), or one of them. */
  device?: "auto" | "webgpu" | "cpu";
  /** How a GPU stores the weights. */
  precision?: "f32" | "f16";
}

export interface TranslateOptions {
  /** How many hypotheses are kept: 1 is greedy decoding. */
  beam?: number;
  /** How many translations are wanted, at most `beam`. */
  nBest?: number;
  /** Whether answers have their alignments. */
  alignment?: boolean;
  /** "none", "length:ALPHA" or "wu:ALPHA". */
  lengthPenalty?: string;
  coveragePenalty?: number;
  /** Symbols, or a multiple of the source's such as "3x". */
  maxLength?: string;
  /** Whether answers have their table of hypotheses and alignments as HTML. */
  html?: boolean;
  /** Whether sources are texts whose words are translated, each to an answer of its own. */
  eachWord?: boolean;
}

export interface Target {
  target: string[];
  text: string;
  log_prob: number;
  score: number;
  finished: boolean;
  /** Weights of the source symbols, for each target symbol. */
  alignment?: number[][];
}

/** An answer: a translation, or `error`. */
export interface Answer extends Partial<Target> {
  source?: string[];
  from?: "model" | "dictionary";
  others?: Target[];
  word?: string;
  html?: string;
  error?: string;
}

export class Translator {
  static open(options: OpenOptions): Promise<Translator>;
  /** The device in a few words. */
  readonly device: string;
  /** The answers stand in the order of the sources; what is wrong with one source is its own answer. */
  translate(sources: string[], options?: TranslateOptions): Promise<Answer[]>;
  /** Gives the memory back. */
  close(): void;
}

export interface Progress {
  done: number;
  all: number;
  /** `form` is there with `everyForm`. */
  operation: { operation: string; form: string | null; cases: number; largest_relative: number; passed: boolean };
}

/** Checks every operation of a device against the CPU in 64 bits; the answer is that of `seq2seq verify --json`. */
export function verify(options?: {
  device?: "webgpu" | "cpu";
  precision?: "f32" | "f16";
  /** Also the forms of its computations that a GPU would not choose. */
  everyForm?: boolean;
  progress?: (progress: Progress) => void;
}): Promise<{ version: string; devices: object[]; passed: boolean }>;

/** A case of the benchmark; times are medians in seconds. */
export interface BenchRow {
  case: string;
  /** The operation's name; "translate" and "train" for whole ones. */
  operation: string;
  /** From the call until the result is there. */
  median_s: number;
  min_s: number;
  max_s: number;
  n: number;
  /** How long the device itself was busy, where it can tell. */
  device_s: number | null;
  /** What is done in a second, in `unit`. */
  rate: number;
  unit: "GFLOP/s" | "GB/s" | "sentences/s" | "target tokens/s";
  share_of_bandwidth: number | null;
  share_of_flops: number | null;
  /** The same on the CPU, where the device is another. */
  cpu_median_s: number | null;
}

export interface BenchReport {
  version: string;
  device: string;
  precision: "f32" | "f16";
  threads: number;
  /** The smallest step of the clock; what is timed lasts a hundred of them at least. */
  clock_resolution_s: number;
  /** What the device can do at most, measured. */
  peaks: { copy_bytes_per_s: number; flops: number };
  /** On a GPU, shapes of computations and the form that each has. */
  forms: [shape: string, form: string][];
  rows: BenchRow[];
}

/** Measures how fast a device computes, and the CPU beside a GPU; the answer is that of `seq2seq bench --json`. */
export function bench(options?: {
  device?: "webgpu" | "cpu";
  precision?: "f32" | "f16";
  /** Only cases whose names contain this. */
  case?: string;
  progress?: (progress: { done: number; all: number; row: BenchRow }) => void;
}): Promise<BenchReport>;

/** The adapters that the browser offers, with their features and limits. */
export function adapters(): Promise<object[]>;
export function hasWebGpu(): Promise<boolean>;
export function load(): Promise<void>;
export function modelFiles(model: string | URL | ModelFiles): Promise<ModelFiles>;
