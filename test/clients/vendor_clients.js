// Sends the messages on stdin with the vendors' own clients to a server of this process, and prints what came there, by vendor.
const http = require('http');
const { Analytics } = require('@segment/analytics-node');
const amplitude = require('@amplitude/analytics-node');
const { PostHog } = require('posthog-node');

const messages = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const taken = [];

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { url, headers } = request;
    taken.push({ url, authorization: headers.authorization, body: JSON.parse(Buffer.concat(chunks)) });
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ code: 200, status: 1, success: true, events_ingested: 1 }));
  });
});

async function segment(host) {
  const client = new Analytics({ writeKey: 'KEY', host });
  for (const { id, kind, person, event, time, properties } of messages) {
    const rest = { messageId: id, timestamp: new Date(time), ...(person ? { userId: person } : { anonymousId: 'nobody' }) };
    if (kind === 'event') client.track({ event, properties, ...rest });
    else client.identify({ traits: properties, ...rest });
  }
  await client.closeAndFlush();
}

async function sendAmplitude(host) {
  await amplitude.init('KEY', { serverUrl: `${host}/batch`, minIdLength: 1 }).promise;
  for (const { id, kind, person, event, time, properties } of messages) {
    const options = { insert_id: id, time: Date.parse(time), ...(person ? { user_id: person } : { device_id: 'nobody' }) };
    if (kind === 'event') {
      amplitude.track(event, properties, options);
    } else {
      const identify = new amplitude.Identify();
      for (const [name, value] of Object.entries(properties)) identify.set(name, value);
      amplitude.identify(identify, options);
    }
  }
  await amplitude.flush().promise;
}

async function posthog(host) {
  const client = new PostHog('KEY', { host, disableCompression: true, flushAt: 1000 });
  for (const { uuid, kind, person, event, time, properties } of messages) {
    const options = { uuid, timestamp: new Date(time), distinctId: person || 'nobody' };
    if (kind === 'event') {
      client.capture({ event, properties: person ? properties : { ...properties, $process_person_profile: false }, ...options });
    } else {
      client.capture({ event: '$set', properties: { $set: properties }, ...options });
    }
  }
  await client.shutdown();
}

server.listen(0, '127.0.0.1', async () => {
  const host = `http://127.0.0.1:${server.address().port}`;
  const answer = {};
  for (const [name, send] of Object.entries({ segment, amplitude: sendAmplitude, posthog })) {
    await send(host);
    answer[name] = taken.splice(0);
  }
  server.close();
  console.log(JSON.stringify(answer));
  process.exit(0);
});
