// A service worker: what was fetched once is there without a network, and what the network has newer replaces it.

const CACHE = "seq2seq-wgpu";

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  event.respondWith((async () => {
    const cache = await caches.open(CACHE);
    const kept = await cache.match(event.request);
    const fetched = fetch(event.request).then((answer) => {
      if (answer.ok) event.waitUntil(cache.put(event.request, answer.clone()));
      return answer;
    });
    if (!kept) return fetched;
    event.waitUntil(fetched.catch(() => null));
    return kept;
  })());
});
