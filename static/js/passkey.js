// Asks the browser for a passkey when the form is sent, and sends what it gave instead.
// The texts are the server's, in data attributes.
const form = document.querySelector("form[data-passkey]");
const says = document.querySelector("[data-passkey-says]");
const field = form.elements.namedItem("credential");

const bytes = (text) => {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
};
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (credentials = []) => credentials.map((one) => ({ ...one, id: bytes(one.id) }));

const asked = () => {
  const options = JSON.parse(form.dataset.options);
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  options.excludeCredentials = named(options.excludeCredentials);
  options.allowCredentials = named(options.allowCredentials);
  return { publicKey: options };
};

const plain = ({ id, rawId, type, response }) => {
  const given = { clientDataJSON: text(response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[part]) given[part] = text(response[part]);
  }
  if (response.getTransports) given.transports = response.getTransports();
  return JSON.stringify({ id, rawId: text(rawId), type, response: given });
};

const say = (words) => {
  says.textContent = words;
  says.hidden = !words;
};

const ask = async () => {
  say("");
  try {
    field.value = plain(await navigator.credentials[form.dataset.passkey](asked()));
    form.requestSubmit();
  } catch {
    say(form.dataset.cancelled);
  }
};

form.addEventListener("submit", (event) => {
  if (field.value) return;
  event.preventDefault();
  ask();
});
// Back from another page: what was given is spent.
addEventListener("pageshow", () => { field.value = ""; });

if (!window.PublicKeyCredential) {
  say(form.dataset.unsupported);
  form.querySelector("button[type=submit]").setAttribute("aria-disabled", "true");
}
