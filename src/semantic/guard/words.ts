// The word lists of the guard. They are English; what needs no list (numbers, quoted text, identifiers, names) works in any language.

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Words that may be added or left out without another question being asked. */
export const FILLERS = words(`
  a an the is are am be been being do does please kindly tell me you can could i we of for s explain describe say
  know want like need help hi hello hey thanks thank there it that this just so really actually exactly what which how
  give show let us to have has get got would if and way question about
`)

/** Words that negate. Their number has to agree. */
export const NEGATIONS = words(`
  not no never none nobody nothing nowhere neither nor without cannot except unless hardly barely scarcely
  excluding lacking lack lacks fail fails failing false
`)

/** Question words that ask for different things. The others, such as 'what', fit all of them. */
export const ASKED = words('who whom whose when where why')

/** Words that give the content word behind them a role. */
export const ROLES = words('from to by into than before after with onto via toward towards against over under')

/** Roles that may not be missing on one side. 'to' is often part of a verb. */
export const STRONG_ROLES = words('from by than before after against over under')

/** Directions, times and quantities. They are short, common, and change a question: both texts have to have the same ones. */
export const MARKERS = words(`
  in out on off up down above below over under before after during since until inside outside within between
  all any some every each few many more most less least much only always sometimes often both either half
  first second third last next previous was were did had will shall should may might must
`)

export const NUMBER_WORDS: ReadonlyMap<string, string> = new Map(
  'zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'
    .split(' ')
    .map((word, i) => [word, String(i === 0 ? 0 : i + 1)] as const)
    .concat([
      ...[['thirty', '30'] as const, ['forty', '40'] as const, ['fifty', '50'] as const, ['sixty', '60'] as const],
      ...[['seventy', '70'] as const, ['eighty', '80'] as const, ['ninety', '90'] as const],
      ...[['hundred', '100'] as const, ['thousand', '1000'] as const, ['million', '1000000'] as const],
    ]),
)

/** Spellings of one unit. */
const UNITS = `
  km kilometer kilometers kilometre kilometres|m meter meters metre metres|cm centimeter centimeters|mm millimeter millimeters|
  mi mile miles|ft foot feet|inch inches|kg kilogram kilograms kilo kilos|g gram grams|lb lbs pound pounds|oz ounce ounces|
  l liter liters litre litres|ml milliliter milliliters|s sec secs second seconds|min mins minute minutes|h hr hrs hour hours|
  ms millisecond milliseconds|day days|week weeks|month months|year years|kb kilobyte kilobytes|mb megabyte megabytes|
  gb gigabyte gigabytes|tb terabyte terabytes|% percent|$ usd dollar dollars|€ eur euro euros|£ gbp|¥ yen jpy|
  °c celsius|°f fahrenheit|kelvin|w watt watts|kw kilowatt kilowatts|v volt volts|a ampere amperes|hz hertz`
export const UNIT_OF: ReadonlyMap<string, string> = new Map(
  UNITS.split('|').flatMap((line) => {
    const spellings = line.trim().split(/\s+/)
    return spellings.map((spelling) => [spelling, spellings[0] as string] as const)
  }),
)

/** Opposites that are no prefix of each other. A few dozen of the commonest: `guard: 'strict'` does not depend on them. */
export const OPPOSITES: ReadonlyMap<string, ReadonlySet<string>> = pairs(`
  increase decrease|increase reduce|enable disable|open close|start stop|begin end|buy sell|add remove|add delete|create delete|
  on off|up down|in out|hot cold|warm cool|high low|big small|large small|long short|old new|old young|fast slow|early late|
  good bad|best worst|better worse|more less|most least|before after|above below|over under|win lose|accept reject|allow deny|
  allow forbid|true false|safe dangerous|cheap expensive|easy hard|easy difficult|strong weak|rich poor|love hate|push pull|
  send receive|import export|encrypt decrypt|login logout|install uninstall|lock unlock|rise fall|raise lower|gain lose|
  male female|man woman|husband wife|mother father|son daughter|minimum maximum|min max|left right|north south|east west|
  day night|summer winter|first last|front back|inside outside|public private|alive dead|full empty|heavy light|wet dry|show hide|give take|
  like dislike|help hinder|know ignore`)

/** Words for one thing, which may replace each other. More come with the option `synonyms`. */
export const SYNONYMS = `
  buy purchase|remove delete|begin start commence|big large|quick fast rapid|shut close|car automobile|phone telephone|
  photo picture image|error mistake|fix repair|make create|cost price|cancel terminate|change modify alter|picture image|
  method way|movie film|kid child|company firm|repair mend|answer reply|show display|find locate|obtain acquire`

function pairs(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const all = new Map<string, Set<string>>()
  const put = (a: string, b: string) => void (all.get(a) ?? all.set(a, new Set()).get(a))?.add(b)
  for (const line of text.split('|')) {
    const [a = '', b = ''] = line.trim().split(/\s+/)
    put(a, b)
    put(b, a)
  }
  return all
}
