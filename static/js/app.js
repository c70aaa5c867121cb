// Pages work without this file. All texts come from the server, in data attributes.
const words = document.body.dataset;
const one = (selector) => document.querySelector(selector);
const all = (selector) => document.querySelectorAll(selector);
const submitOf = (form) => form.querySelector("button:not([type=button])");

const say = (text) => { one("#voice").textContent = text; };

// Back: what answered a form is opened anew, as a page, and the form isn't sent a second time.
history.replaceState(history.state, "");

// Error focus: autofocus does it too, but not on a restored page.
addEventListener("pageshow", () => one(".summary")?.focus());

// Password reveal: one button for the whole form.
for (const form of document.forms) {
  const secrets = [...form.querySelectorAll("input[type=password]")];
  if (!secrets.length) continue;
  const { show } = secrets[0].dataset;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button quiet";
  const reveal = (on) => {
    for (const secret of secrets) secret.type = on ? "text" : "password";
    button.textContent = show ?? (on ? words.hide : words.show);
    if (show) button.setAttribute("aria-pressed", on);
  };
  const hide = () => reveal(false);
  hide();
  if (show && secrets.length > 1) form.querySelector(".field").before(button);
  else secrets.at(-1).after(button);
  button.addEventListener("click", () => {
    const on = secrets[0].type === "password";
    reveal(on);
    if (!show) say(on ? words.visible : words.hidden);
  });
  form.addEventListener("submit", hide);
  addEventListener("pageshow", hide);
}

// Session: asks 150 s before the end; at the end the server shows where one stands.
const dialog = one("dialog[data-session-until]");
if (dialog) {
  const { now, sessionUntil, sessionS } = dialog.dataset;
  let end = Date.now() + Date.parse(sessionUntil) - Date.parse(now);
  let asked = false;
  setInterval(() => {
    const left = end - Date.now();
    if (left <= 0) location.assign(location.pathname);
    else if (left <= 150_000 && !asked) {
      asked = true;
      dialog.showModal();
    }
  }, 1000);
  dialog.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { action } = event.target;
    const answer = await fetch(action, {
      method: "POST", body: new FormData(event.target), headers: { "X-Requested-With": "fetch" },
    }).catch(() => null);
    if (answer?.status !== 204) return location.assign(location.pathname);
    end = Date.now() + sessionS * 1000;
    asked = false;
    dialog.close();
  });
}

// Once: drops a second click for 5 s. Not by `disabled`, which drops the button's value.
const sent = new Map();
const release = (form) => {
  const { button, nodes } = sent.get(form) ?? {};
  sent.delete(form);
  button?.removeAttribute("aria-disabled");
  button?.replaceChildren(...nodes);
};
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (sent.has(form)) return event.preventDefault();
  const button = event.submitter ?? submitOf(form);
  sent.set(form, { button, nodes: [...button.childNodes] });
  button.setAttribute("aria-disabled", "true");
  button.textContent = words.wait;
  say(words.wait);
  setTimeout(release, 5000, form);
});
addEventListener("pageshow", () => [...sent.keys()].forEach(release));

// One-time code: clean when pasted; filled in, but never sent, from a text message.
const otp = one("input[autocomplete=one-time-code]");
otp?.addEventListener("paste", (event) => {
  event.preventDefault();
  const text = event.clipboardData.getData("text").normalize("NFKC");
  const code = text.replace(/[\s\p{Pd}\p{DI}]/gu, "").replace(/^#|[.。]+$/g, "");
  otp.setRangeText(code, otp.selectionStart, otp.selectionEnd, "end");
});
if (otp && "OTPCredential" in window) {
  const wait = new AbortController();
  otp.form.addEventListener("submit", () => wait.abort());
  navigator.credentials.get({ otp: { transport: ["sms"] }, signal: wait.signal }).then(({ code }) => {
    otp.value = code;
    say(words.filled);
    submitOf(otp.form).focus();
  }).catch(() => {});
}

// Countdown: shown every second, announced at five moments.
for (const clock of all("[data-until]")) {
  const { until, now, text, one: singular = text, done } = clock.dataset;
  const end = Date.now() + Date.parse(until) - Date.parse(now);
  let before = 0;
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    const seconds = text.includes("{minutes}") ? left % 60 : left;
    const told = (left === 1 ? singular : text).replace("{minutes}", Math.floor(left / 60)).replace("{seconds}", seconds);
    clock.textContent = left ? told : done;
    if ([120, 60, 30, 10, 0].some((mark) => before > mark && left <= mark)) say(clock.textContent);
    before = left;
    if (left) setTimeout(tick, 1000);
  };
  tick();
}

// Poll: every 2 s for 90 s while seen, and once whenever seen again. What was confirmed on the
// phone is handed in by the page's own form.
for (const state of all("[data-poll]")) {
  const { poll, next, check } = state.dataset;
  const form = check && document.querySelector(`form[action="${check}"]`);
  const end = Date.now() + 90_000;
  let timer;
  const ask = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    const { state: now, text, done } = await fetch(poll).then((answer) => answer.json()).catch(() => ({}));
    if (text && state.textContent !== text) state.textContent = text;
    if (form && now === "confirmed") return form.requestSubmit();
    if (done) return location.assign(next ?? location.pathname + location.search);
    clearTimeout(timer);
    if (Date.now() < end) timer = setTimeout(ask, 2000);
  };
  document.addEventListener("visibilitychange", ask);
  timer = setTimeout(ask, 2000);
}

// Print: only where a script can.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// Proof of work: done while somebody types. Where it can't be done, waiting does as well.
const task = one("[data-altcha]");
if (task && crypto.subtle) {
  const { altcha, checking, ok } = task.dataset;
  const form = task.closest("form");
  const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  const solve = async (challenge) => {
    const { nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters;
    const way = { name: "PBKDF2", hash: "SHA-256", salt: bytes(salt), iterations: cost };
    const [start, prefix] = [bytes(nonce), bytes(keyPrefix)];
    const password = new Uint8Array(start.length + 4);
    password.set(start);
    for (let counter = 0; ; counter++) {
      new DataView(password.buffer).setUint32(start.length, counter);
      const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
      const derived = new Uint8Array(await crypto.subtle.deriveBits(way, key, keyLength * 8));
      if (prefix.some((byte, n) => byte !== derived[n])) continue;
      const derivedKey = [...derived].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return btoa(JSON.stringify({ challenge, solution: { counter, derivedKey } }));
    }
  };
  task.textContent = checking;
  const solved = solve(JSON.parse(altcha)).then((answer) => {
    form.elements.namedItem("altcha").value = answer;
    task.textContent = ok;
  }).catch(() => {}).finally(() => { task.ready = true; });
  form.addEventListener("submit", (event) => {
    if (task.ready) return;
    event.preventDefault();
    if (!task.waited) solved.then(() => form.requestSubmit());
    task.waited = true;
    task.hidden = false;
  });
}
