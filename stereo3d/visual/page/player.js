"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  for (const table of all("table.sortable")) {
    const body = table.tBodies[0], heads = all("thead th", table);
    heads.forEach((head, column) => head.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "descending" ||
        (head.getAttribute("aria-sort") === "none" && column === 0);
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.key;
      const compare = (a, b) => {
        const [x, y] = [key(a), key(b)], unknown = (x === "nan") - (y === "nan");
        if (unknown) return unknown;
        const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
        return up ? order : -order;
      };
      [...body.rows].sort(compare).forEach((row) => body.append(row));
    }));
  }
  addEventListener("beforeprint", () => all("details").forEach((d) => { d.open = true; }));

  const canvas = document.querySelector("canvas");
  if (!canvas) return;
  const held = JSON.parse(document.getElementById("data").textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
  const xyz = new Int16Array(bytes(held.xyz)), doubt = new Uint8Array(bytes(held.doubt));
  const time = new Float32Array(bytes(held.time)), frame = new Int32Array(bytes(held.frame));
  const joints = held.joints, count = joints.length, frames = time.length, UNKNOWN = -32768;
  const side = joints.map((name) => name.startsWith("left ") ? "left" : name.startsWith("right ") ? "right" : "middle");
  const slider = document.querySelector("input[type=range]"), state = document.querySelector(".state");
  const play = document.querySelector(".play"), speed = document.querySelector(".speed");
  const charts = all(".timed").map((chart) => ({ chart, head: chart.querySelector(".playhead") }));
  const known = (at, joint) => xyz[3 * (at * count + joint)] !== UNKNOWN;
  const steady = (at, joint) => doubt[at * count + joint] === 0;

  const middle = (values) => Float64Array.from(values).sort()[values.length >> 1] || 0;
  const sample = [[], [], []];
  const stride = Math.max(1, Math.floor(frames / 500));
  for (const strict of [true, false]) {
    if (sample[0].length) break;
    for (let at = 0; at < frames; at += stride)
      for (let j = 0; j < count; j++)
        if (known(at, j) && (steady(at, j) || !strict))
          for (let i = 0; i < 3; i++) sample[i].push(xyz[3 * (at * count + j) + i] * held.unit);
  }
  const centre = sample.map(middle);
  const distances = sample[0].map((_, n) => Math.hypot(...centre.map((c, i) => sample[i][n] - c))).sort((a, b) => a - b);
  const reach = Math.max(distances[Math.floor(distances.length * 0.97)] || 0.3, 0.05);

  const views = { front: [0, 0], side: [Math.PI / 2, 0], below: [0, -Math.PI / 2] };
  let at = 0, yaw = 0, pitch = 0, zoom = 1, playing = false, clock = 0, before = 0, waiting = false;

  const words = (seconds, digits) => {
    if (!held.seconds) return `frame ${Math.round(seconds)}`;
    const scale = 10 ** digits, ticks = Math.round(seconds * scale), whole = Math.floor(ticks / scale);
    const rest = digits ? "." + String(ticks % scale).padStart(digits, "0") : "";
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return (hours ? `${hours}:${String(minutes).padStart(2, "0")}` : minutes) +
      ":" + String(whole % 60).padStart(2, "0") + rest;
  };

  function project(x, y, z) {
    [x, y, z] = [x - centre[0], y - centre[1], z - centre[2]];
    const [a, b] = [Math.cos(yaw) * x + Math.sin(yaw) * z, Math.cos(yaw) * z - Math.sin(yaw) * x];
    return [a, Math.cos(pitch) * y - Math.sin(pitch) * b, Math.cos(pitch) * b + Math.sin(pitch) * y];
  }

  function draw() {
    waiting = false;
    const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const ink = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue("--" + name).trim();
    const scale = zoom * Math.min(width, height) * 0.47 / reach;
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.clearRect(0, 0, width, height);
    ink.lineCap = "round";
    ruler(ink, scale, height, colour);
    const points = joints.map((_, j) => {
      if (!known(at, j)) return null;
      const [x, y, z] = project(...[0, 1, 2].map((i) => xyz[3 * (at * count + j) + i] * held.unit));
      const near = 3 * reach / Math.max(3 * reach + z, 0.3 * reach);
      return [width / 2 + x * scale * near, height / 2 + 8 + y * scale * near, z, near];
    });
    const parts = [];
    held.bones.forEach(([a, b]) => {
      const [p, q] = [points[a], points[b]];
      if (p && q) parts.push([(p[2] + q[2]) / 2, () => bone(ink, p, q, steady(at, a) && steady(at, b),
        colour(side[a] === side[b] ? side[a] : "middle"))]);
    });
    points.forEach((p, j) => p && parts.push([p[2] - 0.001, () => dot(ink, p, steady(at, j), colour(side[j]), colour("back"))]));
    parts.sort((a, b) => b[0] - a[0]).forEach(([, paint]) => paint());
    const wrong = joints.map((name, j) => [name, doubt[at * count + j]]).filter(([, d]) => d);
    const trouble = wrong.slice(0, 3).map(([name, d]) => `${name} ${held.doubts[d]}`).join(", ");
    state.textContent = `${words(held.start + time[at], 2)} · frame ${frame[at]} · ${count - wrong.length} of ${count} ` +
      `joints trusted${trouble ? " · " + trouble : ""}${wrong.length > 3 ? ` and ${wrong.length - 3} more` : ""}`;
  }

  function ruler(ink, scale, height, colour) {
    const length = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2].find((l) => l * scale >= 60) || 5;
    ink.strokeStyle = ink.fillStyle = colour("soft");
    ink.lineWidth = 2;
    ink.beginPath();
    ink.moveTo(14, height - 16); ink.lineTo(14 + length * scale, height - 16);
    ink.stroke();
    ink.font = "13px system-ui, sans-serif";
    ink.fillText(`${Math.round(length * 100)} cm`, 14, height - 24);
  }

  function bone(ink, p, q, sure, colour) {
    ink.globalAlpha = sure ? 1 : 0.45;
    ink.setLineDash(sure ? [] : [5, 7]);
    ink.strokeStyle = colour;
    ink.lineWidth = 5 * (p[3] + q[3]) / 2;
    ink.beginPath();
    ink.moveTo(p[0], p[1]); ink.lineTo(q[0], q[1]);
    ink.stroke();
    ink.setLineDash([]);
    ink.globalAlpha = 1;
  }

  function dot(ink, p, sure, colour, back) {
    ink.beginPath();
    ink.arc(p[0], p[1], (sure ? 6 : 5.5) * p[3], 0, 7);
    ink.fillStyle = sure ? colour : back;
    ink.fill();
    ink.strokeStyle = sure ? back : colour;
    ink.lineWidth = 2;
    ink.stroke();
  }

  function nearest(seconds) {
    let [low, high] = [0, frames - 1];
    while (low < high) {
      const half = (low + high) >> 1;
      if (time[half] < seconds) low = half + 1; else high = half;
    }
    return low > 0 && seconds - time[low - 1] < time[low] - seconds ? low - 1 : low;
  }

  function show(place) {
    at = Math.min(frames - 1, Math.max(0, place));
    slider.value = at;
    slider.setAttribute("aria-valuetext", words(held.start + time[at], 2));
    const where = time[frames - 1] > 0 ? 1000 * time[at] / time[frames - 1] : 0;
    for (const { head } of charts) {
      head.setAttribute("x1", where); head.setAttribute("x2", where);
      head.style.visibility = "visible";
    }
    later();
  }

  function later() { if (!waiting) { waiting = true; requestAnimationFrame(draw); } }

  function go(place) { show(place); clock = time[at]; }

  function step(now) {
    if (!playing) return;
    clock += Math.min(now - before, 250) / 1000 * speed.value * (held.seconds ? 1 : 30);
    before = now;
    if (clock > time[frames - 1]) clock = 0;
    show(nearest(clock));
    requestAnimationFrame(step);
  }

  function toggle() {
    playing = !playing && frames > 1;
    play.textContent = playing ? "Pause" : "Play";
    before = performance.now();
    if (playing) requestAnimationFrame(step);
  }

  const fingers = new Map();
  const spread = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
  canvas.addEventListener("pointerdown", (e) => {
    canvas.setPointerCapture(e.pointerId);
    fingers.set(e.pointerId, [e.clientX, e.clientY]);
  });
  canvas.addEventListener("pointermove", (e) => {
    const last = fingers.get(e.pointerId);
    if (!last) return;
    const apart = fingers.size === 2 ? spread() : 0;
    fingers.set(e.pointerId, [e.clientX, e.clientY]);
    if (apart) nearer(spread() / apart);
    else {
      yaw -= (e.clientX - last[0]) * 0.008;
      pitch = Math.max(-1.6, Math.min(1.6, pitch + (e.clientY - last[1]) * 0.008));
    }
    later();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (e) => fingers.delete(e.pointerId));
  canvas.addEventListener("wheel", (e) => { e.preventDefault(); nearer(Math.exp(-e.deltaY * 0.001)); later(); }, { passive: false });
  const nearer = (factor) => { zoom = Math.max(0.3, Math.min(8, zoom * factor)); };

  const player = document.getElementById("player");
  player.addEventListener("keydown", (e) => {
    if (e.target.matches("select, input, button") && !(e.target === slider && e.key === " ")) return;
    const second = Math.max(1, Math.round(frames / Math.max(time[frames - 1], 1)));
    const move = { ArrowRight: at + (e.shiftKey ? second : 1), ArrowLeft: at - (e.shiftKey ? second : 1), Home: 0, End: frames - 1 };
    if (e.key === " ") toggle();
    else if (e.key in move) go(move[e.key]);
    else return;
    e.preventDefault();
  });
  slider.max = frames - 1;
  slider.addEventListener("input", () => go(+slider.value));
  play.addEventListener("click", toggle);
  for (const button of all(".view")) button.addEventListener("click", () => {
    [yaw, pitch] = views[button.dataset.view];
    zoom = 1;
    later();
  });
  const jump = (seconds) => { if (playing) toggle(); go(nearest(seconds)); };
  for (const button of all(".seek")) button.addEventListener("click", () => {
    jump(button.dataset.time - held.start);
    player.scrollIntoView();
    canvas.focus({ preventScroll: true });
  });
  for (const { chart } of charts) chart.addEventListener("click", (e) => {
    const box = chart.querySelector("svg").getBoundingClientRect();
    jump(Math.min(1, Math.max(0, (e.clientX - box.left) / box.width)) * time[frames - 1]);
  });
  new ResizeObserver(later).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later);
  addEventListener("beforeprint", draw);
  go(0);
})();
