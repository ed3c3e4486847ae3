/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  findAnOperation: "Find an operation",
  openapiDocument: "OpenAPI document",
  noOperationHasThat: "No operation has that in its name.",
  required: "required",
  whoMayAsk: "Permission:",
  theLineFor: (method: string | number, path: string | number) => `the line for ${method} ${path}`,
  parameters: "Parameters",
  body: (type: string | number) => `Body, ${type}`,
  answers: "Answers",
  fieldsOf: (status: string | number) => `Fields of ${status}`,
  inThe: (where: string | number) => `in the ${where}`,
} as const;
