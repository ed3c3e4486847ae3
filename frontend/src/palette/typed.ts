import { ref } from "vue";

/** What is typed into the palette. It outlives the frame that stands for the palette while its files are on their way. */
export const typed = ref("");
