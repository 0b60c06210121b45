// Prints how large the package is, and what is large in it. Run `npm run build` first.
import { fileURLToPath } from 'node:url'
import { LIMITS, sizeOfPackage } from './size.js'

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`.padStart(8)

const { packedBytes, unpackedBytes, files } = sizeOfPackage(fileURLToPath(new URL('../..', import.meta.url)))
console.log(`${kilobytes(packedBytes)}  packed, of at most${kilobytes(LIMITS.packedBytes)}`)
console.log(
  `${kilobytes(unpackedBytes)}  unpacked, of at most${kilobytes(LIMITS.unpackedBytes)}, in ${files.length} files:`,
)
const largest = [...files].sort((a, b) => b.size - a.size).slice(0, 12)
for (const { path, size } of largest) console.log(`${kilobytes(size)}  ${path}`)
