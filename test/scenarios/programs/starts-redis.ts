// Starts a server. The test then kills this program, and the server must end with it.

import { send } from '../../support/channel.js'
import { startRedis } from '../../support/redis-server.js'

const server = await startRedis()
send({ pid: server.pid, dir: server.dir })
setInterval(() => undefined, 1_000)
