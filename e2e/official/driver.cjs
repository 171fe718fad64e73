// Runs commands of the official CLI one after another in one Node process, whose
// start takes more than a second. Each line of descriptor 3 is a command line,
// {"args": [...], "dir": "...", "env": {...}}; when it is over, its exit status is a line on
// descriptor 4. A command is over as a process of its own would be: it asks to exit,
// or nothing keeps the event loop alive any more but what was there before it.
//
// The CLI writes to the process's own standard output and error, which are files.
const fs = require('fs')
const path = require('path')
const { createRequire } = require('module')
const { createInterface } = require('readline')
const { pathToFileURL } = require('url')

const program = process.env.HEROKU_PROGRAM // bin/run.js of the CLI
const load = createRequire(program)
const { execute } = load('@oclif/core')
const environment = { ...process.env }

for (const out of [process.stdout, process.stderr]) out.setMaxListeners(0) // the CLI adds one for each command

class Exit extends Error {}
let finish = () => {}
load(path.join(path.dirname(load.resolve('@oclif/core')), 'errors', 'handle.js')).Exit.exit = (status) => finish(status) // after an error was printed
process.exit = (status) => {
  finish(status ?? process.exitCode ?? 0)
  throw new Exit('the command has exited') // nothing after it may run
}
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (err) => {
    if (err instanceof Exit) return
    console.error(err)
    finish(1)
  })
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 5))

// alive counts what keeps the process alive, but for the reading of descriptor 3,
// which comes and goes.
const alive = () => process.getActiveResourcesInfo().filter((what) => what !== 'FSReqCallback' && what !== 'Immediate').length

// idle waits until no more keeps the process alive than before the command.
async function idle(before) {
  while (alive() > before) await soon()
}

async function command({ args, dir, env }) {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment, env)
  process.chdir(dir)
  process.argv = [process.argv[0], program, ...args]
  process.exitCode = undefined
  globalThis.ux = {} // where the CLI keeps the action that it is in
  await soon()
  const before = alive()
  return new Promise((resolve) => {
    finish = resolve // and what an earlier command still does is not heeded
    execute({ args, dir: pathToFileURL(program).href })
      .then(() => idle(before))
      .then(() => resolve(process.exitCode ?? 0))
      .catch((err) => { if (!(err instanceof Exit)) { console.error(err); resolve(1) } })
  })
}

async function main () {
  for await (const line of createInterface({ input: fs.createReadStream(null, { fd: 3 }) })) {
    const status = await command(JSON.parse(line))
    fs.writeSync(4, status + '\n')
  }
  process.reallyExit(0)
}
main()
