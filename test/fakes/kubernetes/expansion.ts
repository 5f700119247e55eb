/** `$(NAME)` in commands and variables, as Kubernetes fills it in: `$$` is a dollar, an unknown name stays as it is. */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  let result = '';
  for (let at = 0; at < text.length; at++) {
    const next = text[at + 1];
    if (text[at] !== '$' || next === undefined) {
      result += text[at];
    } else if (next === '$') {
      result += '$';
      at++;
    } else if (next === '(') {
      const end = text.indexOf(')', at);
      if (end < 0) {
        result += '$(';
        at++;
        continue;
      }
      const name = text.slice(at + 2, end);
      result += variables[name] ?? `$(${name})`;
      at = end;
    } else {
      result += `$${next}`;
      at++;
    }
  }
  return result;
}
