// Runs in the page. `plan` comes from the test: {token, host, transport, method, batch}. Answers when everything is sent.
function startClient(plan) {
  return new Promise((resolve) => {
    mixpanel.init(plan.token, {
      api_host: plan.host, api_method: plan.method, api_transport: plan.transport, batch_requests: plan.batch,
      batch_flush_interval_ms: plan.flush_ms, persistence: "localStorage", persistence_name: plan.name, flags: true,
      remote_settings_mode: "fallback", track_pageview: false, autocapture: false, debug: false,
      ignore_dnt: true, loaded: resolve,
    });
  });
}

async function runClient(plan) {
  await startClient(plan);
  mixpanel.register({ plan_name: plan.name });
  mixpanel.track("Landing", { area: "docs" });
  mixpanel.track("Landing", { area: "pricing" });
  // The SDK's base64 takes each half of a pair for a character of its own, and cuts strings at 255 halves.
  mixpanel.track("Emoji", { text: "well done 😀👍", cut: "x".repeat(254) + "😀", half: "end \ud83d" });
  mixpanel.track_pageview();
  mixpanel.identify("browser-" + plan.name);
  mixpanel.people.set({ $email: plan.name + ".person@corp-mail.com", plan: "pro" });
  mixpanel.people.set_once({ first_page: "docs" });
  mixpanel.people.increment("visits", 2);
  mixpanel.people.append("pages", "docs");
  mixpanel.people.union("tags", ["a", "b"]);
  mixpanel.set_group("company", "acme-" + plan.name);
  mixpanel.get_group("company", "acme-" + plan.name).set({ seats: 7 });
  mixpanel.track("Signed Up", { source: "web", amount: 12.5 });
  if (!plan.batch) {  // by callback, as shops wait before leaving the page
    await new Promise((resolve) => mixpanel.track("Last", {}, () => resolve()));
  }
}
