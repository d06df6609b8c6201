// Asks once a second how far a sheet is; when it is done the page is loaded with what came of it.
const progress = () => document.getElementById("import-progress");

async function look() {
  const address = progress()?.dataset.poll;
  if (!address) return;
  try {
    const answer = await fetch(address);
    if (answer.redirected || answer.status === 404) return location.reload();
    if (answer.ok) {
      const sent = document.createElement("template");
      sent.innerHTML = await answer.text();
      const fresh = sent.content.getElementById("import-progress");
      if (!fresh.dataset.poll) return location.reload();
      progress().replaceWith(fresh);
    }
  } catch {
    // The connection comes back by itself; the sheet is worked off meanwhile.
  }
  setTimeout(look, 1000);
}

if (progress()?.dataset.poll) setTimeout(look, 1000);
