// Loaded into every Node process of the tests: a connection to any host but this
// machine is written to $KIGO_TRAP and refused.
const fs = require('fs')
const net = require('net')
const dns = require('dns')

const ours = (host) => !host || host === 'localhost' || host.endsWith('.localhost') || host === '::1' || host.startsWith('127.')

function refuse(what, host) {
  fs.appendFileSync(process.env.KIGO_TRAP, `${what} ${host} by ${process.argv.slice(1).join(' ')}\n`)
  const err = new Error(`${what} ${host}: refused by the test`)
  err.code = 'ECONNREFUSED'
  return err
}

const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) {
  const first = Array.isArray(args[0]) ? args[0][0] : args[0]
  const host = typeof first === 'object' && first !== null ? first.path ? '' : first.host : typeof args[1] === 'string' ? args[1] : ''
  if (!ours(host)) {
    process.nextTick(() => this.destroy(refuse('connect', host)))
    return this
  }
  return connect.apply(this, args)
}

const lookup = dns.lookup
dns.lookup = function (host, ...rest) {
  if (ours(host)) return lookup.call(this, host, ...rest)
  const done = rest[rest.length - 1]
  process.nextTick(() => done(refuse('lookup', host)))
}
