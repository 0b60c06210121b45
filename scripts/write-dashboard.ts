// Writes dashboards/tiercache.json. Run `npm run dashboard` after a change to scripts/dashboard.

import { writeFileSync } from 'node:fs'
import { dashboard } from './dashboard/dashboard.js'

writeFileSync(new URL('../dashboards/tiercache.json', import.meta.url), `${JSON.stringify(dashboard(), null, 2)}\n`)
