// Every call of the Node SDK against the server named in the environment; ends with an error at the first refused call.
const Mixpanel = require("mixpanel");

const { BULKHEAD_HOST, BULKHEAD_PORT, BULKHEAD_TOKEN, BULKHEAD_PROJECT, BULKHEAD_USER, BULKHEAD_SECRET } = process.env;

function client(more) {
  return Mixpanel.init(BULKHEAD_TOKEN, { host: BULKHEAD_HOST, port: Number(BULKHEAD_PORT), protocol: "https", ...more });
}

function call(target, method, ...parameters) {
  return new Promise((resolve, reject) => {
    target[method](...parameters, (errors) => {
      const error = Array.isArray(errors) ? errors.find(Boolean) : errors;
      error ? reject(new Error(`${method}: ${error.message || error}`)) : resolve();
    });
  });
}

async function events(mixpanel) {
  await call(mixpanel, "track", "Page Viewed", { $device_id: "node-device", path: "/docs" });
  await call(mixpanel, "track", "Signed Up", { $device_id: "node-device", $user_id: "node-user", plan: "pro", size: 3 });
  await call(mixpanel, "track", "Signed Up", { distinct_id: "node-user-2", plan: "free", note: "write to ann.lee@corp-mail.com" });
  const batch = Array.from({ length: 120 }, (_, i) => ({
    event: "Batched", properties: { distinct_id: `batch-${i % 40}`, index: i, name_: "ünïcødé ~+/ " + i },
  }));
  await call(mixpanel, "track_batch", batch);
  await call(mixpanel, "alias", "node-user", "node-alias");
}

async function people(mixpanel) {
  const id = "node-user";
  await call(mixpanel.people, "set", id, { $email: "node.person@corp-mail.com", $name: "Nora Node", plan: "pro", logins: 1 });
  await call(mixpanel.people, "set_once", id, { plan: "never", first_seen: "docs" });
  await call(mixpanel.people, "increment", id, "logins", 4);
  await call(mixpanel.people, "append", id, "pages", "home");
  await call(mixpanel.people, "append", id, "pages", "docs");
  await call(mixpanel.people, "union", id, { tags: ["a", "b"] });
  await call(mixpanel.people, "union", id, { tags: ["b", "c"] });
  await call(mixpanel.people, "remove", id, { pages: "home" });
  await call(mixpanel.people, "track_charge", id, 9.5);
  await call(mixpanel.people, "unset", id, ["first_seen"]);
  await call(mixpanel.people, "set", "node-gone", { plan: "x" });
  await call(mixpanel.people, "delete_user", "node-gone");
  await call(mixpanel.groups, "set", "company", "acme", { seats: 3 });
  await call(mixpanel.groups, "set_once", "company", "acme", { seats: 4, tier: "gold" });
  await call(mixpanel.groups, "union", "company", "acme", { features: ["sso"] });
}

async function imports() {
  const credentials = new Mixpanel.ServiceAccountCredentials(BULKHEAD_USER, BULKHEAD_SECRET, BULKHEAD_PROJECT);
  const mixpanel = client({ credentials });
  const day = Math.floor(Date.UTC(2026, 0, 15) / 1000);
  await call(mixpanel, "import", "Old Event", day, { distinct_id: "node-user", $insert_id: "node-import-1" });
  await call(mixpanel, "import", "Old Event", day, { distinct_id: "node-user", $insert_id: "node-import-1" });
  const list = Array.from({ length: 130 }, (_, i) => ({
    event: "Old Batch", properties: { time: day + i, distinct_id: `old-${i % 10}`, $insert_id: `node-old-${i}` },
  }));
  await call(mixpanel, "import_batch", list);
  const stranger = client({ credentials: new Mixpanel.ServiceAccountCredentials(BULKHEAD_USER, "wrong", BULKHEAD_PROJECT) });
  const refused = await call(stranger, "import", "Old Event", day, { distinct_id: "x" }).then(() => false, () => true);
  if (!refused) throw new Error("import with a wrong secret was accepted");
}

async function main() {
  for (const verbose of [true, false]) {
    await call(client({ verbose }), "track", "Checked", { distinct_id: "node-user", verbose });
  }
  await events(client({ verbose: true }));
  await people(client({ verbose: false }));
  await imports();
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
