// Preloaded (node --require) into programs whose host names are fixed: takes the place of a DNS entry and of a privileged
// port. TLS connections to api.mixpanel.com go to BULKHEAD_PORT on loopback; names and certificates are checked as ever.
"use strict";
const tls = require("node:tls");

const hosts = /(^|\.)mixpanel\.com$/;
const connect = tls.connect;

tls.connect = function (...parameters) {
  const options = parameters.find((p) => p && typeof p === "object" && !Array.isArray(p));
  const host = options && (options.servername || options.host || options.hostname);
  if (host && hosts.test(host) && !options.socket) {
    const own = { ...options, servername: host, host: "127.0.0.1", port: Number(process.env.BULKHEAD_PORT) };
    return connect.call(this, own, parameters.find((p) => typeof p === "function"));
  }
  return connect.apply(this, parameters);
};
