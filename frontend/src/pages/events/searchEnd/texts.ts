/** Texts of the end of a search. They load with it, because few searches take long. */
export const texts = {
  searchedBackTo: (when: string, found: string) => `Searched back to ${when}. ${found} found.`,
  searchFurther: "Search further",
  searching: "Searching…",
};
