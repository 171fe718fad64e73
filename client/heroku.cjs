// Loaded into the official CLI by NODE_OPTIONS, which `kigo env` sets: the CLI has
// hosts of Heroku built in where no variable leads elsewhere. Requests to them, and
// the token that they carry, go to the server that HEROKU_HOST names. So does what it
// wants of the registry, which it looks for at "registry." and all of HEROKU_HOST.
const { HEROKU_HOST } = process.env
if (HEROKU_HOST && HEROKU_HOST.includes('://')) {
  const target = new URL(HEROKU_HOST)
  const port = target.port || (target.protocol === 'https:' ? 443 : 80)
  const registry = 'registry.' + HEROKU_HOST
  const built_in = new Set([registry, 'api.metrics.herokai.com', 'api.metrics.heroku.com', 'particleboard.heroku.com', 'telex.heroku.com', 'kolkrabbi.heroku.com'])
  // Some of those hosts take any JSON for an answer; the server wants to be asked for its own.
  const heroku = (host, headers) => {
    const accept = Object.keys(headers).find((name) => name.toLowerCase() === 'accept')
    if (host !== registry && !(accept && String(headers[accept]).includes('vnd.heroku'))) headers[accept || 'accept'] = 'application/vnd.heroku+json; version=3'
    return headers
  }
  const requests = { 'http:': require('http').request, 'https:': require('https').request }
  for (const name of ['http', 'https']) {
    const client = require(name)
    const request = client.request
    client.request = function (options, ...rest) {
      if (options && typeof options === 'object' && !(options instanceof URL) && built_in.has(options.hostname || options.host)) {
        options = { ...options, protocol: target.protocol, host: target.hostname, hostname: target.hostname, port, headers: heroku(options.hostname || options.host, { ...options.headers, host: target.host }) }
        if (name + ':' !== target.protocol) delete options.agent // which knows one protocol only
        return requests[target.protocol].call(this, options, ...rest)
      }
      return request.call(this, options, ...rest)
    }
  }
  const processes = require('child_process')
  const spawn = processes.spawn
  processes.spawn = function (command, args, ...rest) {
    if (command === 'docker' && Array.isArray(args)) {
      args = args.map((word) => typeof word === 'string' && word.startsWith(registry) ? target.host + word.slice(registry.length) : word)
    }
    return spawn.call(this, command, args, ...rest)
  }
  require('module').syncBuiltinESMExports()
}
