// Says while the user types what the server would say of the new password. Without it the same is
// said when the form is sent.
const line = document.querySelector("[data-strength]");
const field = document.querySelector("[name=new_password]");
const pause = 500;
let timer;
let request = new AbortController();

const ask = async () => {
  const { signal } = request;
  const body = new FormData();
  body.set("csrfmiddlewaretoken", field.form.elements.namedItem("csrfmiddlewaretoken").value);
  const page = field.form.elements.namedItem("page_ref");
  if (page) body.set("page_ref", page.value);
  body.set("new_password", field.value);
  const answer = await fetch(line.dataset.strength, { method: "POST", body, redirect: "error", signal });
  const { lines = [] } = answer.ok ? await answer.json() : {};
  if (signal.aborted) return;
  line.replaceChildren(...lines.flatMap((one) => [one, document.createElement("br")]));
  line.hidden = !lines.length;
};

const stop = () => {
  clearTimeout(timer);
  request.abort();
  request = new AbortController();
};

field.closest(".field").append(line);
field.addEventListener("input", () => {
  stop();
  line.hidden = true;
  // No network just now: the form still says it.
  if (field.value) timer = setTimeout(() => ask().catch(() => {}), pause);
});
// The form says it itself, and a late answer must not meet the next page.
field.form.addEventListener("submit", stop);
