  // Elements are updated in place rather than replaced, so that bars move and the scroll position stays.
  function become(old, wanted) {
    if (old.nodeType !== wanted.nodeType || old.nodeName !== wanted.nodeName) { old.replaceWith(wanted.cloneNode(true)); return; }
    if (old.nodeType !== Node.ELEMENT_NODE) { if (old.data !== wanted.data) old.data = wanted.data; return; }
    for (const { name } of [...old.attributes]) if (!wanted.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of wanted.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    const now = [...old.childNodes], then = [...wanted.childNodes];
    then.forEach((child, place) => place < now.length ? become(now[place], child) : old.append(child.cloneNode(true)));
    now.slice(then.length).forEach(child => child.remove());
  }
  async function renew() {
    if (!document.hidden) {
      try {
        const text = await (await fetch(location.href, { cache: "no-store" })).text();
        const page = new DOMParser().parseFromString(text, "text/html");
        become(document.querySelector("header"), page.querySelector("header"));
        become(document.querySelector("main"), page.querySelector("main"));
      } catch { document.querySelector("header p").textContent = "The emulator has stopped."; }
    }
    setTimeout(renew, 1000);
  }
  setTimeout(renew, 1000);
