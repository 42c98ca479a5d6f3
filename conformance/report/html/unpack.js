"use strict";
// What the page carries compressed: pieces of itself, as JSON.
const unpack = async () => {
  const data = document.querySelector("#packed");
  if (!data) return {};
  const octets = Uint8Array.from(atob(data.textContent), c => c.charCodeAt(0));
  const stream = new Blob([octets]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const carried = JSON.parse(await new Response(stream).text());
  if (carried.main) document.querySelector("main").innerHTML = carried.main;
  return carried;
};
