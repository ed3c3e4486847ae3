// Checks templates, which oxlint does not read. Scripts are checked by oxlint, formatting by prettier.
import * as typescript from "@typescript-eslint/parser";
import vue from "eslint-plugin-vue";
import * as parser from "vue-eslint-parser";

export default [
  ...vue.configs["flat/essential"],
  {
    files: ["src/**/*.vue"],
    languageOptions: { parser, parserOptions: { parser: typescript } },
    rules: {
      "vue/block-order": ["error", { order: ["script", "template", "style"] }],
      "vue/component-api-style": "error",
      "vue/define-props-destructuring": "off",
      "vue/html-button-has-type": "error",
      // Texts stand in `texts.ts` of the folder.
      "vue/no-bare-strings-in-template": [
        "error",
        {
          // Signs, and what is typed as it stands.
          allowlist: [
            "(",
            ")",
            ",",
            ".",
            "·",
            "–",
            "…",
            "×",
            ":",
            "▾",
            "%",
            ";",
            "=",
            "≥",
            "≤",
            ">",
            "^",
            "+",
            "?",
            "÷",
            "Esc",
            "200",
            "/\\S*webhook\\S*/",
            "Authorization: Bearer …",
          ],
          attributes: {
            "/.+/": ["title", "aria-label", "aria-roledescription", "aria-valuetext", "label", "placeholder", "what"],
          },
        },
      ],
      "vue/no-empty-component-block": "error",
      "vue/no-ref-object-reactivity-loss": "error",
      "vue/no-root-v-if": "off",
      "vue/no-static-inline-styles": "error",
      "vue/no-template-shadow": "error",
      "vue/no-undef-components": "error",
      "vue/no-unused-emit-declarations": "error",
      "vue/no-unused-properties": "error",
      "vue/no-unused-refs": "error",
      "vue/no-useless-mustaches": "error",
      "vue/no-useless-v-bind": "error",
      "vue/no-v-html": "error",
      "vue/no-v-text": "error",
      "vue/prefer-separate-static-class": "error",
      "vue/prefer-true-attribute-shorthand": "error",
      "vue/prefer-use-template-ref": "error",
      "vue/require-explicit-emits": "error",
      "vue/require-typed-ref": "off",
      "vue/v-for-delimiter-style": "error",
      "vue/valid-define-options": "error",
    },
  },
];
