// Starts a server and is then killed by its test: the server must not outlive it.

import { send } from '../../support/channel.js'
import { startRedis } from '../../support/redis-server.js'

const server = await startRedis()
send({ pid: server.pid, dir: server.dir })
setInterval(() => undefined, 1_000)
