'use strict'

const express = require('express')

const app = express()
const port = process.env.PORT || 5000

app.use((req, res, next) => {
  res.on('finish', () => console.log(`${req.method} ${req.path} ${res.statusCode} request_id=${req.get('x-request-id')}`))
  next()
})

app.get('/', (req, res) => {
  res.type('text').send(`${process.env.GREETING || 'Hello'} from ${process.env.DYNO} on Node ${process.versions.node}\n`)
})

app.get('/headers', (req, res) => res.json(req.headers))

const server = app.listen(port, () => console.log(`listening on port ${port}`))

process.on('SIGTERM', () => {
  console.log('stopping')
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
