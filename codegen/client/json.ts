/** Data as JSON carries it: what the scalar `JSON` stands for. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };
