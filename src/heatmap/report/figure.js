"use strict";

// Tables of hypotheses and their alignments, on whatever page has them.

const byId = (id) => document.getElementById(id);
const tip = byId("tip"), spoken = byId("spoken");

const make = (name, parent, text) => {
  const element = parent.appendChild(document.createElement(name));
  if (text !== undefined) element.textContent = text;
  return element;
};

// ---- alignments: drawn when they come into view

const figures = new WeakMap();
const view = new IntersectionObserver((changes) => {
  for (const { isIntersecting, target } of changes) {
    if (isIntersecting && !figures.has(target)) figures.set(target, draw(target));
  }
}, { rootMargin: "300px" });

function draw(figure) {
  const source = JSON.parse(figure.dataset.source), target = JSON.parse(figure.dataset.target);
  const weights = Uint8Array.from(atob(figure.dataset.weights), (c) => c.charCodeAt(0));
  const plot = make("div", figure);
  plot.className = "plot";
  const [cell, size] = source.length <= 26 ? [28, 13] : source.length <= 44 ? [22, 12] : [16, 10];
  plot.style.setProperty("--cell", cell + "px");
  plot.style.setProperty("--size", size + "px");

  make("div", plot).className = "corner";
  const columns = labels(plot, "columns", source);
  arrange(columns, source, cell);
  const rows = labels(plot, "rows", target);
  const cells = make("div", plot);
  cells.className = "cells";
  cells.tabIndex = 0;
  cells.setAttribute("role", "application");
  cells.setAttribute("aria-label", `Alignment, ${target.length} by ${source.length}; arrow keys move between cells`);
  const canvas = make("canvas", cells);
  canvas.width = source.length;
  canvas.height = target.length;
  const drawn = { source, target, weights, cell, columns, rows, cells, canvas, mark: null, at: [0, 0] };
  paint(drawn);
  listen(drawn);
  return drawn;
}

function labels(plot, name, symbols) {
  const box = make("div", plot);
  box.className = name;
  for (const symbol of symbols) make("bdi", make("span", box), symbol).dir = "auto";
  return box;
}

// Labels wider than their cells stand upright: letters turned, ideographs below each other.
function arrange(columns, symbols, cell) {
  const labels = [...columns.children];
  if (labels.every((label) => label.firstChild.getBoundingClientRect().width <= cell)) return;
  const ideographs = symbols.filter((symbol) => /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/u.test(symbol));
  const tall = 2 * ideographs.length > symbols.length;
  labels.forEach((label, i) => {
    // What is one character stands upright among ideographs already.
    if (!tall) label.className = "turned";
    else if ([...symbols[i]].length > 1) label.className = "tall";
  });
}

// One pixel a cell; the browser makes squares of them.
function paint({ canvas, weights }) {
  const style = getComputedStyle(document.documentElement);
  const [plot, ink] = ["--plot", "--ink"].map((name) => style.getPropertyValue(name).trim().split(" ").map(Number));
  const image = new ImageData(canvas.width, canvas.height);
  weights.forEach((weight, i) => {
    const colour = plot.map((part, channel) => part + (weight / 255) * (ink[channel] - part));
    image.data.set([...colour, 255], 4 * i);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const figure of document.querySelectorAll(".figure")) {
    if (figures.has(figure)) paint(figures.get(figure));
  }
});

// ---- the weight under the pointer, the finger or the keyboard

let pointed = null;

function point(drawn, row, col) {
  const { source, target, cell, columns, rows, cells } = drawn;
  row = Math.max(0, Math.min(target.length - 1, row));
  col = Math.max(0, Math.min(source.length - 1, col));
  if (pointed === drawn && drawn.at[0] === row && drawn.at[1] === col) return;
  leave();
  pointed = drawn;
  drawn.at = [row, col];
  rows.children[row].classList.add("on");
  columns.children[col].classList.add("on");
  drawn.mark = make("i", cells);
  drawn.mark.style.left = col * cell + "px";
  drawn.mark.style.top = row * cell + "px";

  tip.replaceChildren();
  make("bdi", tip, target[row]);
  tip.append(" ← ");
  make("bdi", tip, source[col]);
  make("b", tip, weightAt(drawn));
  tip.hidden = false;
  place();
}

function weightAt({ source, weights, at: [row, col] }) {
  return (weights[row * source.length + col] / 255).toFixed(2);
}

// The tip above its cell, or below where there is no room.
function place() {
  if (!pointed) return;
  const box = pointed.mark.getBoundingClientRect(), { width, height } = tip.getBoundingClientRect();
  const left = Math.min(innerWidth - width - 8, Math.max(8, box.left + (box.width - width) / 2));
  tip.style.left = left + "px";
  tip.style.top = (box.top > height + 12 ? box.top - height - 8 : box.bottom + 8) + "px";
}

function leave() {
  if (!pointed) return;
  const { columns, rows, mark, at: [row, col] } = pointed;
  rows.children[row].classList.remove("on");
  columns.children[col].classList.remove("on");
  mark.remove();
  tip.hidden = true;
  pointed = null;
}

function speak(drawn) {
  const { source, target, at: [row, col] } = drawn;
  spoken.textContent = `${target[row]} from ${source[col]}: ${weightAt(drawn)}`;
}

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function listen(drawn) {
  const { cells, cell } = drawn;
  const under = (event) => {
    const box = cells.getBoundingClientRect();
    point(drawn, Math.floor((event.clientY - box.top) / cell), Math.floor((event.clientX - box.left) / cell));
  };
  cells.addEventListener("pointermove", under);
  cells.addEventListener("pointerdown", under);
  // A finger that is lifted leaves what it pointed at.
  cells.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") leave(); });
  cells.addEventListener("focus", () => {
    if (cells.matches(":focus-visible") && pointed !== drawn) { point(drawn, ...drawn.at); speak(drawn); }
  });
  cells.addEventListener("blur", leave);
  cells.addEventListener("keydown", (event) => {
    const [row, col] = drawn.at;
    if (event.key === "Escape") return leave();
    const move = MOVES[event.key];
    if (move) point(drawn, row + move[0], col + move[1]);
    else if (event.key === "Home") point(drawn, row, 0);
    else if (event.key === "End") point(drawn, row, drawn.source.length - 1);
    else return;
    event.preventDefault();
    drawn.mark?.scrollIntoView({ block: "nearest", inline: "nearest" });
    speak(drawn);
  });
}

document.addEventListener("pointerdown", (event) => { if (!event.target.closest(".cells")) leave(); });
document.addEventListener("scroll", place, { capture: true, passive: true });

// ---- one of several hypotheses is chosen by its button

document.addEventListener("change", ({ target }) => {
  for (const figure of target.closest(".body")?.querySelectorAll(".figure") ?? []) {
    figure.hidden = figure.dataset.for !== target.id;
  }
});

// Draws the alignments below an element, as they come into view.
function showAlignments(root) {
  for (const figure of root.querySelectorAll(".figure")) view.observe(figure);
}
