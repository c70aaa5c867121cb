// Says while somebody types what the server would say of the new password. Without it the same is
// said when the form is sent.
const line = document.querySelector("[data-strength]");
const field = document.querySelector("[name=new_password]");
const pause = 500;
let timer;
let newest = 0;

const ask = async () => {
  const number = ++newest;
  const body = new FormData();
  body.set("csrfmiddlewaretoken", field.form.elements.namedItem("csrfmiddlewaretoken").value);
  body.set("new_password", field.value);
  const answer = await fetch(line.dataset.strength, { method: "POST", body, redirect: "error" });
  const { lines = [] } = answer.ok ? await answer.json() : {};
  if (number !== newest) return;
  line.replaceChildren(...lines.flatMap((one) => [one, document.createElement("br")]));
  line.hidden = !lines.length;
};

field.closest(".field").append(line);
field.addEventListener("input", () => {
  clearTimeout(timer);
  newest += 1;
  line.hidden = true;
  // No network just now: the form still says it.
  if (field.value) timer = setTimeout(() => ask().catch(() => {}), pause);
});
