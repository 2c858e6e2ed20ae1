// While a page is seen: new stories are announced, corrections appear, withdrawn stories go. One event stream a page.
const place = document.getElementById("messages");
const say = place.dataset;
const own = () => document.querySelector("main > .story");
const names = (id) => document.querySelectorAll(`[data-names="${CSS.escape(id)}"]`); // without showing it
const shown = (id) => document.querySelectorAll(`[data-article="${CSS.escape(id)}"]`);
const ONE_DAY = 864e5;
const news = new Map(); // announced and not looked at yet
const told = new Set(); // an event may come twice
const isSeen = () => !document.hidden;
let source = null;
let last = "";
let heard = 0; // when the stream last said something
let patience = 30e3; // what is silent for longer is dead, though it may look as if it lived: the computer slept
let timer = 0;

function follow() {
  stop();
  if (last && !isSeen()) return; // one that was not seen yet asks once how far the stream has come
  hear();
  source = new EventSource(`/v1/stream${last && `?last_event_id=${encodeURIComponent(last)}`}`);
  for (const [type, tell] of Object.entries({ published, updated, withdrawn, heartbeat })) {
    source.addEventListener(type, (event) => {
      hear();
      last = event.lastEventId || last;
      tell(JSON.parse(event.data));
    });
  }
  // What happened between the making of the page and now is not on a stream that begins now.
  source.addEventListener("open", () => last || lookAgain(), { once: true });
  source.addEventListener("reset", lookAgain); // the log is another one
  source.addEventListener("error", () => {
    if (source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    stop();
    timer = setTimeout(follow, 15e3 + 15e3 * Math.random());
  });
}

function stop() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function hear() {
  heard = Date.now();
  clearTimeout(timer);
  timer = setTimeout(follow, patience);
}

function wake() {
  if (!source || Date.now() - heard > patience) follow();
}

function heartbeat({ next_within_seconds: seconds }) {
  patience = 2e3 * seconds;
  if (!isSeen()) stop();
}

function published(story) {
  const old = Date.now() - Date.parse(story.date_published) > ONE_DAY;
  if (old || told.has(story.id) || shown(story.id).length || !concerns(story)) return;
  told.add(story.id);
  news.set(story.id, story);
  const several = news.size > 1;
  announce(several ? `${say.several}: ${news.size}` : say.one, story);
}

function concerns({ language = "", tags = [], source }) {
  if (say.language && language.split("-")[0] !== say.language) return false;
  if (say.theme && !tags.map(slug).includes(slug(say.theme))) return false;
  return !say.source || source === say.source;
}

// Themes are compared as in addresses: "Port Morrow" is port-morrow.
function slug(theme) {
  const words = theme.normalize("NFKC").toLowerCase().split(/[^\p{L}\p{N}]+/u);
  return words.filter(Boolean).join("-");
}

function updated(story) {
  if (own()?.dataset.article === story.id) return void check(story.revision);
  for (const element of shown(story.id)) {
    const headline = element.querySelector(".headline a");
    if (headline && headline.textContent !== story.title) headline.textContent = story.title;
  }
}

function withdrawn({ id }) {
  if (own()?.dataset.article === id) return leave();
  for (const element of shown(id)) {
    const also = element.querySelector(".also");
    if (also) standIn(element, also);
    else element.remove();
  }
  for (const element of names(id)) {
    delete element.dataset.names;
    if (element.matches("h1")) retitle(element);
    else if (element.matches("a")) element.pathname = `/stories/${own().dataset.article}`; // any report leads there
    else element.remove();
  }
  if (news.delete(id)) place.replaceChildren();
}

// A thread is called by the headline of its first report.
function retitle(heading) {
  const first = document.querySelector(".timeline [data-article] .headline a");
  if (!first) return location.reload();
  document.title = document.title.replace(heading.textContent, () => first.textContent);
  heading.textContent = first.textContent;
  heading.lang = first.lang || document.documentElement.lang;
  heading.dir = first.dir;
  heading.dataset.names = first.closest("[data-article]").dataset.article;
}

// A copy takes the place of the story that stood for it. Until the server says how it looks, the links to copies stay.
function standIn(place, also) {
  const lacks = [".summary", ".kicker"].filter((part) => !place.querySelector(part));
  place.style.minHeight = `${place.getBoundingClientRect().height}px`; // what is below stays where it is
  delete place.dataset.article;
  place.replaceChildren(also);
  void askCopies(place, also, lacks);
}

async function askCopies(place, also, lacks) {
  const left = [...also.querySelectorAll("[data-article]")].map((copy) => ["article", copy.dataset.article]);
  if (!left.length) return place.remove();
  try {
    const query = new URLSearchParams(left);
    if (place.matches("li")) query.set("in", "short-list");
    const answer = await fetch(`/copies?${query}${say.query.replace("?", "&")}`, { cache: "no-cache" });
    if (answer.ok) {
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").body.children;
      if (also.querySelectorAll("[data-article]").length < left.length) return void askCopies(place, also, lacks);
      for (const part of lacks) for (const element of found) element.querySelector(part)?.remove();
      if (found.length) {
        found[0].style.minHeight = place.style.minHeight;
        found[0].classList.toggle("lead-teaser", place.matches(".lead-teaser"));
      }
      return place.replaceWith(...found);
    }
  } catch {
    // away for a moment
  }
  setTimeout(askCopies, 15e3 + 15e3 * Math.random(), place, also, lacks);
}

async function lookAgain() {
  void check();
  const named = [...document.querySelectorAll("[data-article], [data-names]")];
  const ids = [...new Set(named.map(({ dataset }) => dataset.article ?? dataset.names))];
  if (!ids.length) return;
  try {
    const query = new URLSearchParams(ids.slice(0, 100).map((id) => ["article", id]));
    const answer = await fetch(`/v1/views?${query}`, { credentials: "omit", cache: "no-cache" });
    if (!answer.ok) return;
    for (const { article, status } of (await answer.json()).items) if (status === 410) withdrawn({ id: article });
  } catch {
    // away for a moment
  }
}

// The server says why, in the reader's language.
function leave() {
  own().hidden = true;
  location.reload();
}

// Puts the story as it is now in place of the one that is shown, when it is another.
async function check(revision) {
  const before = own();
  if (!before || revision <= Number(before.dataset.revision)) return;
  try {
    const answer = await fetch(location.href, { cache: "no-cache" });
    if (answer.status === 404 || answer.status === 410) return leave();
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.querySelector("main > .story");
    if (!now || now.dataset.revision === before.dataset.revision) return;
    before.replaceWith(document.adoptNode(now));
    document.title = page.title;
    announce(say.updated);
  } catch {
    // away for a moment: the next event or visit asks again
  }
}

function announce(text, story) {
  const parts = [make("p", { textContent: text })];
  if (story) {
    const href = news.size > 1 ? say.home : `/articles/${story.id}${say.query}`;
    const { language: lang = "", title: textContent } = story;
    parts.push(make("a", { href, lang, dir: "auto", textContent, className: "headline" }));
  }
  const onclick = () => {
    news.clear();
    place.replaceChildren();
  };
  parts.push(make("button", { type: "button", ariaLabel: say.close, textContent: "×", onclick }));
  const box = make("div", { className: "toast" });
  box.append(...parts);
  place.replaceChildren(box);
}

function make(tag, fields) {
  return Object.assign(document.createElement(tag), fields);
}

document.addEventListener("visibilitychange", () => (isSeen() ? wake() : last && stop()));
addEventListener("pagehide", stop); // an open stream would keep the page out of the back/forward cache
addEventListener("pageshow", wake);
addEventListener("online", follow);
follow();
