// What a page gains by a script: local times, news as they come, and a button that copies.
// Without it every page still says everything. Data never becomes code or markup here.
"use strict";

(() => {
  // -- times, as the reader's clock has them ----------------------------------------------------

  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const day = { weekday: "short", day: "numeric", month: "short" };

  function localTime(at, form) {
    const options = form === "s" ? { ...clock, second: "2-digit" } : { ...clock };
    const now = new Date();
    if (at.toDateString() !== now.toDateString()) Object.assign(options, day);
    if (Math.abs(now - at) > 300 * 86400e3) options.year = "numeric";
    return at.toLocaleString("en-GB", options);
  }

  function tellLocally(root) {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const at = new Date(element.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      element.title = `${at.toLocaleString("en-GB", { dateStyle: "full", timeStyle: "long" })}, ` +
        `${element.dateTime} in UTC`;
      element.textContent = localTime(at, element.dataset.form);
    }
  }

  // -- copying ----------------------------------------------------------------------------------

  function offerCopies(root) {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-copy]");
    const source = button && document.getElementById(button.dataset.copy);
    if (!source) return;
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });

  // -- news -------------------------------------------------------------------------------------

  const PAUSE_MS = 2000; // between two looks, however often something changes
  const SILENT_MS = 30000; // between two looks while there is no stream
  let isDue = false;
  let lookedAt = 0;
  let timer = 0;
  let isStale;
  let isHeard = false; // the stream is there
  let isNewest = true; // what was looked for last came

  function sayWhetherLive() {
    const mark = document.getElementById("live");
    const isLive = isHeard && isNewest;
    mark.hidden = false;
    mark.textContent = isLive ? "live" : "not live";
    mark.classList.toggle("off", !isLive);
  }

  // Focus, scroll, open details and what is being typed stay: the page is morphed, not replaced.
  async function look() {
    timer = 0;
    isDue = false;
    lookedAt = Date.now();
    try {
      const answer = await fetch(location.href, { cache: "no-cache", credentials: "same-origin" });
      isNewest = answer.ok;
      sayWhetherLive();
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const view = fresh.getElementById("view");
      if (!view) return;
      tellLocally(view);
      offerCopies(view);
      await htmx.swap({ target: "#view", text: view.outerHTML, swap: "outerMorph" });
      document.title = fresh.title;
    } catch {
      // The server is away: what is shown stays, and the mark in the head says that it is old.
      isNewest = false;
      sayWhetherLive();
    }
  }

  function lookSoon() {
    isDue = true;
    if (document.hidden || timer) return;
    const rest = PAUSE_MS - (Date.now() - lookedAt);
    timer = setTimeout(look, Math.max(0, rest) + Math.random() * 300);
  }

  // A pass that changed nothing moves one time; whether all is well may have changed, too.
  function live(pulse) {
    const passed = document.querySelector("#pass-at time");
    if (passed && pulse.passAt) {
      passed.dateTime = pulse.passAt;
      tellLocally(passed.parentElement);
    }
    if (pulse.isStale !== isStale) {
      if (isStale !== undefined) lookSoon();
      isStale = pulse.isStale;
    }
  }

  function follow() {
    const say = (isThere) => {
      isHeard = isThere;
      sayWhetherLive();
    };
    const stream = new EventSource("/events");
    let wasLost = false;
    stream.addEventListener("changed", lookSoon);
    stream.addEventListener("pulse", (event) => live(JSON.parse(event.data)));
    stream.addEventListener("open", () => {
      say(true);
      if (wasLost) lookSoon();
      wasLost = false;
    });
    stream.addEventListener("error", () => {
      say(false);
      wasLost = true;
      // A stream that was refused doesn't try again by itself.
      if (stream.readyState === EventSource.CLOSED) setTimeout(follow, SILENT_MS);
    });
    return stream;
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && isDue) lookSoon();
  });

  document.getElementById("zone").textContent =
    `as your clock has them (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
  tellLocally(document);
  offerCopies(document);
  if (document.body.hasAttribute("data-live")) {
    follow();
    setInterval(() => { if (Date.now() - lookedAt > SILENT_MS) lookSoon(); }, SILENT_MS);
  }
})();
