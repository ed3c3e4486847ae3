// Socket.IO with its Redis adapter: what is emitted goes to the sockets of every replica.
import { createServer } from 'node:http'
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'

const publisher = new Redis(process.env.REDIS_URL)
const subscriber = publisher.duplicate()

const server = createServer((request, response) => {
  if (request.method !== 'POST') return response.end('alive\n')
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', () => {
    io.emit('m', Buffer.concat(parts).toString())
    response.end()
  })
})

const io = new Server(server, {
  adapter: createAdapter(publisher, subscriber),
  transports: ['websocket'],
  perMessageDeflate: false,
  httpCompression: false,
})

server.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 4096 })
process.on('SIGTERM', () => process.exit(0))
