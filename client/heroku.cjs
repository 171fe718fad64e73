// Loaded into the official CLI by NODE_OPTIONS, which `kigo env` sets: the CLI has
// hosts of Heroku built in where no variable leads elsewhere. Requests to them, and
// the token that they carry, go to the server that HEROKU_HOST names. So does what it
// wants of the registry, which it looks for at "registry." and all of HEROKU_HOST.
const { HEROKU_HOST } = process.env
if (HEROKU_HOST && HEROKU_HOST.includes('://')) {
  const target = new URL(HEROKU_HOST)
  const port = target.port || (target.protocol === 'https:' ? 443 : 80)
  const registry = 'registry.' + HEROKU_HOST
  const built_in = new Set([registry, 'api.metrics.herokai.com', 'api.metrics.heroku.com', 'particleboard.heroku.com', 'telex.heroku.com'])
  for (const name of ['http', 'https']) {
    const client = require(name)
    const request = client.request
    client.request = function (options, ...rest) {
      if (options && typeof options === 'object' && !(options instanceof URL) && built_in.has(options.hostname || options.host) && name + ':' === target.protocol) {
        options = { ...options, host: target.hostname, hostname: target.hostname, port, headers: { ...options.headers, host: target.host } }
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
