// Keeps the page of a long piece of work up to date in place: whoever is on a button stays there.
// Without it, the page is loaded again now and then; see its noscript.
const live = document.querySelector("[data-live]");
const every = 2000;
let still = false;

const look = async () => {
  const answer = await fetch(location.pathname);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.querySelector("[data-live]");
  // Another step, another page, or the sign-in page.
  if (now?.dataset.live !== live.dataset.live) return location.replace(location.pathname);
  live.replaceChildren(...now.childNodes);
};

const later = () => setTimeout(async () => {
  if (still) return;
  // No network just now: that is no reason to lose the page.
  await look().catch(() => {});
  later();
}, every);

if (live) later();
document.querySelector("[data-still]")?.addEventListener("click", () => { still = true; });
