// Relays what Redis publishes to every websocket: the shortest such server that Node has.
import { createServer } from 'node:http'
import { Redis } from 'ioredis'
import { WebSocketServer } from 'ws'

const CHANNEL = 'bench'
const publisher = new Redis(process.env.REDIS_URL)
const subscriber = new Redis(process.env.REDIS_URL)

const server = createServer((request, response) => {
  if (request.method !== 'POST') return response.end('alive\n')
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', async () => {
    await publisher.publish(CHANNEL, Buffer.concat(parts))
    response.end()
  })
})

const sockets = new WebSocketServer({ server, path: '/ws', perMessageDeflate: false })
sockets.on('connection', (socket) => socket.on('error', () => {}))

subscriber.on('messageBuffer', (_channel, message) => {
  for (const socket of sockets.clients) socket.send(message, { binary: false })
})

await subscriber.subscribe(CHANNEL)
server.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 4096 })
process.on('SIGTERM', () => process.exit(0))
