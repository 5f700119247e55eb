/** The formats that metadata files declare. Each tells whether a text is one. */
export const formats = {
  uri: (text: string) => /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(text) && URL.canParse(text),
  'uri-reference': (text: string) => !/\s/.test(text) && URL.canParse(text, 'https://base.invalid'),
  date: isDate,
  /** The bare name, `10.<registrant>/<suffix>`; an address that contains one is not a DOI. */
  doi: (text: string) => /^10\.\d{4,9}(?:\.\d+)*\/\S+$/.test(text),
} as const;

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const at = new Date(`${text}T00:00:00Z`);
  // Date rolls 31 February over into March.
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}
