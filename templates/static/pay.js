// The countdown of the pay page, by the server's count of seconds: a fan's clock may be wrong.
const clock = document.querySelector("[data-seconds-left]");
if (clock) {
  const end = performance.now() + Number(clock.dataset.secondsLeft) * 1000;
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (left === 0) {
      clearInterval(timer);
      location.reload(); // the server says that it is over
    }
  };
  const timer = setInterval(tick, 1000);
  if (Number(clock.dataset.secondsLeft) > 0) tick();
}

const form = document.querySelector("form");
if (form) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault(); // a nervous second tap
    sent = true;
    form.querySelectorAll("button").forEach((button) => button.setAttribute("aria-disabled", "true"));
  });
  addEventListener("pageshow", () => { // also when coming back by the back button
    sent = false;
    form.querySelectorAll("button").forEach((button) => button.removeAttribute("aria-disabled"));
  });
}
