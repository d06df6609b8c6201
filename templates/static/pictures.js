// Sends pictures one after the other, each with its own progress; without this the form sends all at once.
const form = document.getElementById("add");
const input = form.querySelector("input[type=file]");
const list = document.getElementById("files");
let sending = Promise.resolve();

function row(file) {
  const item = document.createElement("li"), name = document.createElement("b"), bar = document.createElement("progress");
  item.className = "file";
  name.textContent = file.name;
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  item.append(name, bar);
  list.append(item);
  return item;
}

function fail(item, words) {
  const problem = document.createElement("span");
  problem.className = "wrong";
  problem.setAttribute("role", "alert");
  problem.textContent = words;
  item.classList.add("file-wrong");
  item.querySelector("progress").replaceWith(problem);
}

function problemOf(request) {
  if (request.status === 413) return form.dataset.tooLarge;
  try {
    return JSON.parse(request.responseText).problem;
  } catch {
    return "It did not arrive. Load the page again and repeat it.";
  }
}

function send(file, item) {
  return new Promise((done) => {
    const request = new XMLHttpRequest(), body = new FormData();
    body.append("csrf", form.elements.csrf.value);
    body.append("picture", file);
    request.upload.onprogress = (event) => {
      const bar = item.querySelector("progress");
      // Sent is not taken yet: without a value the bar says that the server is at work.
      if (event.loaded < event.total) bar.value = (100 * event.loaded) / event.total;
      else bar.removeAttribute("value");
    };
    request.onload = () => {
      if (request.status === 200) item.remove();
      else fail(item, problemOf(request));
      done();
    };
    request.onerror = () => {
      fail(item, "The connection was lost. Choose this picture again.");
      done();
    };
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.send(body);
  });
}

async function show() {
  const page = await (await fetch(location.pathname)).text();
  const fresh = new DOMParser().parseFromString(page, "text/html").getElementById("pictures");
  if (fresh) document.getElementById("pictures").replaceWith(fresh);
}

function take(files) {
  for (const old of list.querySelectorAll(".file-wrong")) old.remove();
  for (const file of files) {
    const item = row(file);
    sending = sending.then(() => send(file, item)).then(show);
  }
}

document.body.classList.add("enhanced");
input.addEventListener("change", () => {
  take([...input.files]);
  input.value = "";
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  form.addEventListener(kind, (event) => {
    event.preventDefault();
    form.classList.toggle("over", kind === "dragover");
    if (kind === "drop") take([...event.dataTransfer.files]);
  });
}
