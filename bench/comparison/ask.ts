// Asks one library one question in a process of its own, since some of them end the process. Prints the answer.
import { peerNamed } from '../peers/peers.js'
import { PROBES } from './probes.js'

const [name = '', id = ''] = process.argv.slice(2)
const probe = PROBES.find((one) => one.id === id)
if (probe === undefined)
  throw new Error(`no question is called ${id}; there are ${PROBES.map((one) => one.id).join(', ')}`)
process.stdout.write(`ANSWER ${await probe.ask(peerNamed(name))}\n`)
process.exit(0)
